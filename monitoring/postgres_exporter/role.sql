-- The role that monitoring connects as. It may read statistics, and nothing else: no table, no setting, no function that changes anything.
-- Run once per server, as a superuser:  psql -f role.sql
--
-- pg_monitor is what makes other users' trees visible to it: pg_tree hides their rows from whoever is not a member of pg_read_all_stats,
-- and pg_monitor is.
CREATE ROLE tree_monitor LOGIN CONNECTION LIMIT 5;
GRANT pg_monitor TO tree_monitor;

-- A scrape that hangs must not pile up behind the next one.
ALTER ROLE tree_monitor SET statement_timeout = '5s';
ALTER ROLE tree_monitor SET lock_timeout = '1s';
ALTER ROLE tree_monitor SET default_transaction_read_only = on;

-- It has no password. Over the local socket, peer authentication with a map in pg_ident.conf needs none; otherwise: \password tree_monitor
-- If the extension was created in a schema other than public:  ALTER ROLE tree_monitor SET search_path = that_schema;
