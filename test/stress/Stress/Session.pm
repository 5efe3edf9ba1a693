package Stress::Session;

# One connection: runs SQL, remembers what the current transaction did, and reports what must not happen.
#
# Errors of the server are thrown as { state, message, sql }. Which of them are to be expected is decided in settle().

use strict;
use warnings;

use DBI;

use Stress::Oracle;

our $database = 'pg_tree_stress';

# What many sessions at once do to each other, or a change to the tables' constraints.
my %expected = map { $_ => 1 } qw(
    40001 40P01 55P03
    23503 23505 23514
);

# Two rows with one key, as pg_tree and as the recursive query's subselects have it: see Stress::Oracle.
my $not_unique = '21000';

# The code with which stress.check() says that there is a difference.
my $difference = 'TREED';

# name: to be told apart in reports. report: sub, gets a hash for each thing to report.
sub new {
    my ($class, %self) = @_;
    my $self = bless { history => [], compared => {}, errors => {}, report => sub { }, %self }, $class;
    $self->{dbh} = DBI->connect('dbi:Pg:dbname=' . ($self->{database} // $database), undef, undef,
        { RaiseError => 1, PrintError => 0, PrintWarn => 0, AutoCommit => 1, AutoInactiveDestroy => 1, pg_server_prepare => 0 });
    $self->run('SET client_min_messages = error', "SET lock_timeout = '1s'", "SET deadlock_timeout = '50ms'", "SET statement_timeout = '60s'",
        "SET jit = off", "SET work_mem = '32MB'", "SET application_name = '$self->{name}'");
    $self->{history} = [];
    return $self;
}

# --- Running SQL ----------------------------------------------------------------------------------------------------------

sub guard {
    my ($self, $sql, $code) = @_;
    # What came before a transaction is of no interest any more, but for the latest few statements.
    $self->{history} = [@{ $self->{history} }[-3 .. -1]] if $sql =~ /^BEGIN/ && @{ $self->{history} } > 3;
    shift @{ $self->{history} } if @{ $self->{history} } >= 60;
    push @{ $self->{history} }, $sql;
    my @result;
    return @result if eval { @result = $code->(); 1 };
    my $message = $self->{dbh}->errstr // $@;
    die { state => $self->{dbh}->state || 'XX000', message => $message, sql => $sql };
}

sub run {
    my ($self, @statements) = @_;
    for my $sql (@statements) {
        $self->guard($sql, sub { $self->{dbh}->do($sql) });
    }
    return;
}

# The first row, as a list.
sub row {
    my ($self, $sql) = @_;
    return $self->guard($sql, sub { @{ $self->{dbh}->selectrow_arrayref($self->prepared($sql)) // [] } });
}

sub rows {
    my ($self, $sql) = @_;
    return $self->guard($sql, sub { @{ $self->{dbh}->selectall_arrayref($self->prepared($sql)) } });
}

# pg_direct: nothing in the text is a placeholder.
sub prepared { my ($self, $sql) = @_; return $self->{dbh}->prepare($sql, { pg_direct => 1 }); }

sub copy_in {
    my ($self, $sql, @lines) = @_;
    $self->guard($sql, sub {
        $self->{dbh}->do($sql);
        $self->{dbh}->pg_putcopydata("$_\n") for @lines;
        $self->{dbh}->pg_putcopyend;
    });
    return;
}

sub quote { my ($self, $text) = @_; return $self->{dbh}->quote($text); }

# Open or failed.
sub in_transaction { my ($self) = @_; return $self->{dbh}->ping >= 3; }

sub exists { my ($self, $function) = @_; return ($self->row("SELECT to_regprocedure('$function') IS NOT NULL"))[0]; }

# --- Comparing ------------------------------------------------------------------------------------------------------------

# Runs a comparison of Stress::Oracle. Returns the number of rows that differ.
sub compare {
    my ($self, $statement, $kind) = @_;
    my $lock = $statement->{tree} eq 'parts' && !$self->{keeps_partitions};
    $self->keep_partitions if $lock;
    my @found = $self->row($statement->{sql});
    $self->let_partitions_go if $lock;
    return $self->judge($statement, $kind, @found);
}

# No partition comes or goes in between: see Stress::Ddl.
sub keep_partitions   { my ($self) = @_; $self->run('SELECT pg_advisory_lock_shared(20192, 1)');   return; }
sub let_partitions_go { my ($self) = @_; $self->run('SELECT pg_advisory_unlock_shared(20192, 1)'); return; }

# The same for a comparison that was run by other means, such as a cursor; the row is what it gave.
sub judge {
    my ($self, $statement, $kind, $missing, $extra, $example, $rows, $snapshot, $xid) = @_;
    $self->{compared}{$kind}++;
    $self->{functions}{ $statement->{function} }++;
    return 0 if $missing + $extra == 0;
    $self->report_difference($statement, $kind, "$missing missing, $extra extra: $example\nsnapshot $snapshot, xid " . ($xid // 'none'));
    return $missing + $extra;
}

sub report_difference {
    my ($self, $statement, $kind, $what) = @_;
    my ($isolation) = eval { $self->{dbh}->selectrow_array('SHOW transaction_isolation') };
    my @history = @{ $self->{history} };
    $isolation //= 'transaction aborted';
    $self->{report}->({
        type => 'difference',
        text => "tree_$statement->{function} on $statement->{tree}, $kind, $isolation, session $self->{name}\n$what\n"
            . join('', map { '    ' . shorten($_) . ";\n" } @history) . "the statement:\n$statement->{sql}" });
    return;
}

# Is this a transaction that reads in one snapshot from its beginning to its end?
sub keeps_snapshot {
    my ($self) = @_;
    my ($begin) = grep { /^BEGIN/ } reverse @{ $self->{history} };
    return ($begin // '') =~ /REPEATABLE|SERIALIZABLE/;
}

# A comparison in the history is named, not shown.
sub shorten {
    my ($sql) = @_;
    $sql =~ s/\s+/ /g;
    $sql =~ s/WITH RECURSIVE source.*?((?:tree_\w+\(|FROM tree_)[^)]*\)).*AS differences/<comparison of $1>/;
    return length $sql > 400 ? substr($sql, 0, 400) . ' ...' : $sql;
}

# --- Errors ---------------------------------------------------------------------------------------------------------------

# After an error: ends the transaction, and reports what was not to be expected. `also` lists further codes that may be.
sub settle {
    my ($self, $error, $what, $also) = @_;
    if (ref $error ne 'HASH') {
        $self->{report}->({ type => 'unexpected', text => "$what: $error" });
        return;
    }
    if ($error->{state} eq $difference) {
        $self->report_difference($self->{checking}, $what, $error->{message});
    } elsif ($expected{ $error->{state} } || ($error->{state} eq $not_unique && $self->keeps_snapshot) || grep { $_ eq $error->{state} } @{ $also // [] }) {
        $self->{errors}{"$what $error->{state}"}++;
    } else {
        $self->{report}->({ type => 'unexpected', text => "$what: $error->{state} $error->{message}\n"
            . join '', map { '    ' . shorten($_) . ";\n" } @{ $self->{history} } });
    }
    # A connection that is gone cannot go on; the driver reports that the process ended.
    for my $session ($self, $self->{helper} // ()) {
        eval {
            $session->run('ROLLBACK') if $session->in_transaction;
            $session->run('CLOSE ALL', 'SELECT pg_advisory_unlock_all()');
            1;
        } or die "session $session->{name}: the connection is lost\n";
    }
    return;
}

sub close { my ($self) = @_; $self->{dbh}->disconnect; return; }

1;
