-- A key that is no number. fails() takes the error, for pgbench would give up.
SELECT fails();
