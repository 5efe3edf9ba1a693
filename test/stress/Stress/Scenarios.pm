package Stress::Scenarios;

# For each rule of the cache, what a few sessions do, step by step, to get a wrong answer if the rule is left out.
#
# A step is a line `session: what`; lines that are indented further continue it. Tables are those of Stress::Trees. What is either SQL or
#
#   read                compares all of `plain`, or of the tree named after it
#   warm                sees to it that there is an image of the tree, if there may be one
#   try warm            the same, where it may be refused with an error
#   invalidate          frees the image of `plain`
#   open, fetch         a comparison as a cursor: its snapshot is the one when it was opened
#   may fail CODE: SQL  an error is as good as none
#   anomaly: SQL        counts as many differences as the query says
#   start: SQL          goes on as soon as the statement waits for a lock or is done
#   cancel              cancels what was started
#
# {check} in SQL stands for a call of a volatile function that compares and fails if there is a difference.

use strict;
use warnings;

my @scenarios;

# rule: its name in pg_tree.debug_break, or undef for what must be right in any case. todo: why it is not yet.
sub scenario {
    my ($name, $rule, $why, $steps, $todo) = @_;
    my @steps;
    for my $line (split /\n/, $steps) {
        if    ($line =~ /^    (\w+): (.*)$/) { push @steps, [$1, $2]; }
        elsif ($line =~ /^     +(.*)$/)      { $steps[-1][1] .= " $1"; }
        elsif ($line =~ /\S/)                { die "scenario $name: $line\n"; }
    }
    push @scenarios, { name => $name, rule => $rule, why => $why, steps => \@steps, todo => $todo };
    return;
}

sub all { return @scenarios; }
sub of_rule { my ($rule) = @_; return grep { ($_->{rule} // '') eq $rule } @scenarios; }

# --- What a snapshot sees -------------------------------------------------------------------------------------------------

scenario('a change since', 'same_writers', 'a writer commits after the image was built', q{
    A: warm
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    A: read
    B: read
});
scenario('a change not yet', 'same_writers', 'the image is newer than the reader\'s snapshot', q{
    B: warm
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: SELECT 1
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    B: warm
    B: read
    A: read
    A: COMMIT
});
scenario('prepared', 'same_writers', 'COMMIT PREPARED runs in a session that knows nothing of the change', q{
    A: warm
    B: BEGIN
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    B: PREPARE TRANSACTION 'scenario'
    A: read
    A: warm
    C: COMMIT PREPARED 'scenario'
    A: read
    C: read
});
scenario('older than the watch', 'known_to_watch', 'what was changed before the watch began was not noted', q{
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: SELECT 1
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    B: warm
    A: read
    A: COMMIT
    C: read
});
scenario('an old builder', 'known_to_watch', 'an image from before the watch began must not be published', q{
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: SELECT 1
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    B: warm
    B: invalidate
    A: warm
    A: read
    A: COMMIT
    C: read
});
scenario('running when the watch began', 'seal_running', 'its note was made when nobody kept notes', q{
    A: BEGIN
    A: UPDATE plain SET name = 'changed' WHERE id = 3
    B: warm
    B: read
    A: COMMIT
    B: read
    C: read
});
scenario('prepared when the watch began', 'seal_running', 'the same for a transaction that has no session any more', q{
    A: BEGIN
    A: UPDATE plain SET name = 'changed' WHERE id = 3
    A: PREPARE TRANSACTION 'scenario'
    B: warm
    A: COMMIT PREPARED 'scenario'
    B: read
});
scenario('changes that wait for their commit', 'statement_count', 'an image built after the statement and before the commit', q{
    A: warm
    B: BEGIN
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    A: warm
    A: read
    B: COMMIT
    A: read
    C: read
});
scenario('the same statement again', 'memo_pointer', 'snapshots of one session often lie at the same address', q{
    A: warm
    A: read
    A: read
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    A: read
    A: BEGIN
    A: read
    A: warm
    A: read
    B: UPDATE plain SET name = 'changed again' WHERE id = 3
    A: read
    B: UPDATE plain SET name = 'changed once more' WHERE id = 3
    A: read
    A: COMMIT
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: read
    A: read
    A: UPDATE plain SET name = 'own change' WHERE id = 5
    A: read
    A: ROLLBACK
});
scenario('a build in an older snapshot', 'read_write', 'the rows are newer than the snapshot that is asked with', q{
    A: warm
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    A: BEGIN
    A: open
    B: UPDATE plain SET name = 'changed again' WHERE id = 3
    A: fetch
    A: COMMIT
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: SELECT 1
    B: UPDATE plain SET name = 'changed once more' WHERE id = 3
    A: warm
    A: read
    A: COMMIT
    C: read
});

# --- One's own changes ----------------------------------------------------------------------------------------------------

scenario('an own change', 'own_change', 'nobody else sees it, and the snapshot does not tell of it', q{
    A: warm
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: read
    A: UPDATE plain SET name = 'changed' WHERE id = 3
    A: read
    A: SAVEPOINT one
    A: DELETE FROM plain WHERE id = 3
    A: read
    A: ROLLBACK TO one
    A: read
    A: COMMIT
});
scenario('in RETURNING', 'pending', 'the row is there, its trigger has not fired yet', q{
    A: warm
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: read
    A: UPDATE plain SET name = 'changed' WHERE id = 3 RETURNING {check}
    A: ROLLBACK
});
scenario('in a trigger', 'pending', 'a trigger that fires before ours', q{
    A: warm
    A: CREATE FUNCTION check_all() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM {check}; RETURN NULL; END$$
    A: CREATE TRIGGER a_before_the_others AFTER UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION check_all()
    A: warm
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: read
    A: UPDATE plain SET name = 'changed' WHERE id IN (3, 5)
    A: ROLLBACK
});
scenario('a builder that goes on to write', 'own_xid', 'no snapshot lists the xid of the transaction that took it', q{
    A: warm
    A: UPDATE plain SET name = 'changed' WHERE id = 3
    A: BEGIN
    A: INSERT INTO other VALUES (1)
    B: INSERT INTO other VALUES (2)
    A: warm
    A: UPDATE plain SET name = 'changed again' WHERE id = 3
    A: COMMIT
    C: read
    A: read
});
scenario('in a subtransaction', 'note_subxact', 'snapshots list the top transaction; the builder\'s is taken while it runs', q{
    A: warm
    B: BEGIN
    B: SAVEPOINT one
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    B: RELEASE one
    C: UPDATE plain SET name = 'another' WHERE id = 5
    A: warm
    A: read
    B: COMMIT
    A: read
    C: read
});
scenario('written otherwise', 'type_equality', 'equal values need not look the same', q{
    A: warm spelled
    B: UPDATE spelled SET parent_id = 1.00 WHERE id = 3
    A: read spelled
    A: warm spelled
    B: UPDATE spelled SET code = upper(code) WHERE id = 3
    A: read spelled
    A: warm spelled
    B: UPDATE spelled SET id = 3.0 WHERE id = 3
    A: read spelled
});

# --- The table itself -----------------------------------------------------------------------------------------------------

scenario('rewritten', 'ground', 'ALTER TABLE changes rows without a trigger', q{
    A: warm
    B: ALTER TABLE plain ALTER code TYPE text USING 'x' || code
    A: read
    B: read
});
scenario('truncated', 'ground', 'an old snapshot sees no rows after TRUNCATE', q{
    B: warm
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: SELECT 1
    B: TRUNCATE plain
    A: read
    A: COMMIT
    B: read
});
scenario('detached', 'ground', 'an old snapshot does not see a partition that is gone', q{
    B: warm parts
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: SELECT 1
    B: ALTER TABLE parts DETACH PARTITION parts_3
    A: read parts
    A: COMMIT
    B: warm parts
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: SELECT 1
    B: ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES FROM (321) TO (481)
    A: read parts
    A: COMMIT
});
scenario('without triggers', 'triggers', 'what is changed then is not noted', q{
    A: warm
    B: SELECT switch_triggers('plain', 'DISABLE')
    A: try warm
    A: read
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    A: read
    B: SELECT switch_triggers('plain', 'ENABLE')
    A: try warm
    B: SET session_replication_role = replica
    B: UPDATE plain SET name = 'changed again' WHERE id = 3
    A: read
});
scenario('disabled for a moment', 'ddl', 'in one transaction: the triggers look as before', q{
    A: warm
    B: BEGIN
    B: ALTER TABLE plain DISABLE TRIGGER ALL
    B: UPDATE plain SET name = 'changed' WHERE id = 3
    B: ALTER TABLE plain ENABLE TRIGGER ALL
    B: SELECT switch_triggers('plain', 'ENABLE ALWAYS')
    B: COMMIT
    A: read
    C: read
});
scenario('detached for a moment', 'ddl', 'in one transaction: the partitions look as before', q{
    A: warm parts
    B: BEGIN
    B: ALTER TABLE parts DETACH PARTITION parts_3
    B: DELETE FROM parts_3 WHERE id % 3 = 0
    B: ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES FROM (321) TO (481)
    B: COMMIT
    A: read parts
    C: read parts
});

# --- Snapshots that an image is of no use for -----------------------------------------------------------------------------

scenario('write skew', 'recovery', 'SERIALIZABLE must know what was read', q{
    A: warm
    A: BEGIN ISOLATION LEVEL SERIALIZABLE
    B: BEGIN ISOLATION LEVEL SERIALIZABLE
    A: SELECT tree_descendant_count(1, 'plain')
    B: SELECT tree_descendant_count(1, 'plain')
    A: INSERT INTO plain (id, parent_id) VALUES (1001, 1)
    B: INSERT INTO plain (id, parent_id) VALUES (1002, 1)
    A: may fail 40001: COMMIT
    B: may fail 40001: COMMIT
    C: anomaly: SELECT (count(*) = 2)::int FROM plain WHERE id > 1000
});

# --- Right in any case ----------------------------------------------------------------------------------------------------

scenario('a detach that was cancelled', undef, 'until it is finished, old snapshots see the partition and new ones do not', q{
    A: read parts
    A: BEGIN ISOLATION LEVEL REPEATABLE READ
    A: read parts
    B: start: ALTER TABLE parts DETACH PARTITION parts_3 CONCURRENTLY
    C: read parts
    A: read parts
    B: cancel
    A: COMMIT
    A: read parts
    C: read parts
}, 'a saved plan that was made under an old snapshot is still used under new ones, as in PostgreSQL itself');

1;
