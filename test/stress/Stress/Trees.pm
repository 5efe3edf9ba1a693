package Stress::Trees;

# The trees that the stress runs on, and the SQL that makes them.
#
# Every table has the same columns, so that every change works on every tree; what differs is what each is there for. A parent's
# key is smaller than its child's (a check constraint), so no change can make a cycle, on which the recursive query would never
# end. Keys run from 1 to `keys` times `step`; at first, every other one has a row.

use strict;
use warnings;

our $schema = 'stress';

# key        the type of id and parent_id
# form       the overload of the tree_ functions that is called
# checked    has triggers that compare in the midst of a change
# large      too large for comparisons whose cost grows faster than the tree
# sort       what order_by comes to, in ascending terms, for SEARCH DEPTH FIRST BY
my @trees = (
    # The simplest, owned by no superuser, with row-level security for one role.
    { name => 'plain', key => 'int', rows => 300, checked => 1, row_security => 1, owner => 'stress_owner' },
    # Rows change through the foreign key's own triggers. Between two keys there is room for others.
    { name => 'kin', key => 'bigint', rows => 200, step => 1000, checked => 1, foreign_key => 1 },
    # Partitions; the last one comes and goes.
    { name => 'parts', key => 'int', rows => 240, checked => 1, partitions => 1, owner => 'stress_owner' },
    { name => 'filtered', key => 'smallint', rows => 250, filter => 'active', title => q{coalesce(upper(name), '?')},
      order_by => 'weight DESC, code', sort => ['-weight', 'code'] },
    # Equal values that are written differently, in keys (1.0 = 1.00) and codes (citext).
    { name => 'spelled', key => 'numeric', rows => 200, form => 'text', code => 'citext' },
    # Together these do not fit a small cache.
    { name => 'big_a', key => 'int', rows => 2000, large => 1, filler => 1200 },
    { name => 'big_b', key => 'int', rows => 2000, large => 1, filler => 1200 },
);

for my $tree (@trees) {
    my %default = (form => 'bigint', step => 1, code => 'text', title => 'name', filter => 'true', filler => 0, sort => ['code']);
    $tree->{$_} //= $default{$_} for keys %default;
    $tree->{keys}  = 2 * $tree->{rows};
    $tree->{table} = "$schema.$tree->{name}";
}

sub all { return @trees; }

sub named {
    my ($name) = @_;
    my ($tree) = grep { $_->{name} eq $name } @trees;
    return $tree // die "no such tree: $name\n";
}

# --- Keys -----------------------------------------------------------------------------------------------------------------

# A key of the tree's key space, as a number; a row may have it or not.
sub some_key { my ($tree) = @_; return $tree->{step} * (1 + int rand $tree->{keys}); }

# A literal of the key's type. Numerics are written in several ways.
sub literal {
    my ($tree, $number) = @_;
    $number .= ('', '.0', '.00')[rand 3] if $tree->{key} eq 'numeric';
    return "'$number'::$tree->{key}";
}

# An SQL expression for a key that a row has, the root's excepted; NULL if there is none from the chosen number on.
sub existing_key {
    my ($tree) = @_;
    my $from = 1 + some_key($tree);
    return "(SELECT id FROM $tree->{table} WHERE id >= $from ORDER BY id LIMIT 1)";
}

# An SQL expression for a row's key that is smaller than `number`: low ones come more often, so that there are subtrees of some size.
sub smaller_key {
    my ($tree, $number) = @_;
    my $from = int($number * rand()**2);
    return "(SELECT id FROM $tree->{table} WHERE id >= $from AND id < $number ORDER BY id LIMIT 1)";
}

# --- Creating -------------------------------------------------------------------------------------------------------------

my $columns = 'id, parent_id, code, name, active, weight, note';
sub columns { return $columns; }

# Fills the table as it is at first.
sub fill_sql {
    my ($tree) = @_;
    my ($step, $filler) = @$tree{qw(step filler)};
    return qq{
        INSERT INTO $tree->{table} ($columns)
        SELECT (2 * i - 1) * $step, CASE WHEN i > 1 THEN (2 * (1 + floor(power(random(), 2) * (i - 1))) - 1) * $step END,
               CASE WHEN i % 13 > 0 THEN chr(97 + i % 5) || i * 7919 % 1000 END, 'node ' || i || repeat('.', $filler), i % 9 > 0, i % 4, NULL
        FROM generate_series(1, $tree->{rows}) AS i};
}

sub table_sql {
    my ($tree) = @_;
    my $table = $tree->{table};
    my $sql = qq{
        CREATE TABLE $table (
            id $tree->{key} PRIMARY KEY, parent_id $tree->{key}, code $tree->{code}, name text,
            active bool NOT NULL DEFAULT true, weight int NOT NULL DEFAULT 0, note text, CHECK (parent_id < id)
        )};
    if ($tree->{partitions}) {
        my @bounds = map { 1 + int($tree->{keys} * $_ / 3) } 0 .. 3;
        $sql .= ' PARTITION BY RANGE (id)';
        $sql .= ";\nCREATE TABLE ${table}_$_ PARTITION OF $table FOR VALUES FROM ($bounds[$_ - 1]) TO ($bounds[$_])" for 1 .. 3;
    }
    $sql .= ";\nCREATE INDEX ON $table (parent_id);\n" . fill_sql($tree) . ';';
    $sql .= "ALTER TABLE $table ADD FOREIGN KEY (parent_id) REFERENCES $table ON DELETE CASCADE ON UPDATE CASCADE;" if $tree->{foreign_key};
    if ($tree->{row_security}) {
        $sql .= "ALTER TABLE $table ENABLE ROW LEVEL SECURITY;
                 CREATE POLICY some_rows ON $table TO stress_limited USING (id % 5 <> 3);";
    }
    $sql .= "ALTER TABLE $_ OWNER TO $tree->{owner};" for $tree->{owner} ? ($table, partitions($tree)) : ();
    $sql .= "GRANT SELECT ON $table TO stress_limited; ANALYZE $table; " . register_sql($tree) . ';';
    return $sql . ($tree->{checked} ? check_triggers_sql($tree) : '');
}

sub partitions { my ($tree) = @_; return $tree->{partitions} ? map { "$tree->{table}_$_" } 1 .. 3 : (); }

# The partition that is attached and detached.
sub spare { my ($tree) = @_; return "$tree->{table}_3"; }

sub register_sql {
    my ($tree) = @_;
    my @options = ("'$tree->{table}'");
    push @options, "name => \$\$$tree->{title}\$\$"   if $tree->{title} ne 'name';
    push @options, "filter => '$tree->{filter}'"      if $tree->{filter} ne 'true';
    push @options, "order_by => '$tree->{order_by}'"  if $tree->{order_by};
    return 'SELECT tree_register(' . join(', ', @options) . ')';
}

# Triggers before and after pg_tree's own (they fire in the order of their names), one for the statement, and, on the tree with
# foreign keys, one at the commit: from the change to the commit it keeps everything pending, which would hide own changes elsewhere.
sub check_triggers_sql {
    my ($tree) = @_;
    my $sql = '';
    for my $trigger (['row_before', 'BEFORE', 'ROW'], ['a_first', 'AFTER', 'ROW'], ['z_last', 'AFTER', 'ROW'], ['statement', 'AFTER', 'STATEMENT']) {
        my ($name, $when, $each) = @$trigger;
        $sql .= "CREATE TRIGGER $name $when INSERT OR UPDATE OR DELETE ON $tree->{table}
                 FOR EACH $each EXECUTE FUNCTION $schema.check_in_trigger();\n";
    }
    return $sql if $tree->{name} ne 'kin';
    return "$sql CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE OR DELETE ON $tree->{table}
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION $schema.check_in_trigger();";
}

# What the trees share. `check` runs a comparison wherever SQL can call a function; a difference is an error with a code of its own,
# since nothing else leaves a transaction that may be rolled back.
my $shared_sql = qq{
    CREATE EXTENSION IF NOT EXISTS citext;
    DROP SCHEMA IF EXISTS $schema CASCADE;
    CREATE SCHEMA $schema;
    DO \$\$
    BEGIN
        IF to_regrole('stress_owner') IS NULL THEN CREATE ROLE stress_owner; END IF;
        IF to_regrole('stress_limited') IS NULL THEN CREATE ROLE stress_limited; END IF;
    END \$\$;
    GRANT USAGE ON SCHEMA $schema TO PUBLIC;
    GRANT CREATE ON SCHEMA $schema TO stress_owner;

    -- Not a tree: whoever writes to it has an xid.
    CREATE TABLE $schema.other (n bigint);

    CREATE FUNCTION $schema.check(statement text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS \$\$
    DECLARE
        found record;
    BEGIN
        EXECUTE statement INTO found;
        IF found.missing + found.extra > 0 THEN
            RAISE EXCEPTION '% missing, % extra: %', found.missing, found.extra, found.example
                USING ERRCODE = 'TREED', DETAIL = format('snapshot %s, xid %s', found.snapshot, found.xid);
        END IF;
        RETURN found.rows;
    END \$\$;

    -- Compares what the session's setting says; now and then only, for a statement may change many rows.
    CREATE FUNCTION $schema.check_in_trigger() RETURNS trigger LANGUAGE plpgsql AS \$\$
    DECLARE
        statement text := current_setting('stress.statement', true);
    BEGIN
        IF coalesce(statement, '') <> '' AND random() < 0.3 THEN
            PERFORM $schema.check(statement);
        END IF;
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END \$\$;

    -- Switches the triggers that carry registrations (mode: DISABLE, ENABLE, ENABLE ALWAYS, ...). Which table has the name is
    -- certain once it is locked.
    CREATE FUNCTION $schema.switch_triggers(table_name text, mode text) RETURNS void LANGUAGE plpgsql AS \$\$
    DECLARE
        trigger text;
    BEGIN
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', table_name);
        FOR trigger IN
            SELECT tgname FROM pg_trigger WHERE tgrelid = table_name::regclass AND tgfoid = 'tree_track'::regproc ORDER BY tgname
        LOOP
            EXECUTE format('ALTER TABLE %s %s TRIGGER %I', table_name, mode, trigger);
        END LOOP;
    END \$\$;
};

# Makes everything anew, for the trees of these names or for all of them. Ends with no transaction open.
sub create {
    my ($session, @names) = @_;
    $session->run('SET client_min_messages = error', 'SELECT setseed(0.5)');
    $session->run('CREATE EXTENSION IF NOT EXISTS pg_tree');
    $session->run($shared_sql);
    $session->run(table_sql($_)) for @names ? map { named($_) } @names : @trees;
    return;
}

1;
