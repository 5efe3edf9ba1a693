# shellcheck shell=bash
# What the scripts share: packages, a build, and throw-away servers. Sourced after `set -euo pipefail`.
#
# A throw-away server runs from a private copy of PostgreSQL's installation, a few symbolic links and the server's own
# programs, beneath a temporary folder. pg_tree is installed into that copy only, so nothing of it reaches the machine's
# PostgreSQL, and no server of the machine is started, stopped or asked. PostgreSQL finds its files relative to its own
# program, which is what its own `make check` relies on as well.

umask 022
# Which of the machine's servers somebody's environment names is of no interest to a server of our own, nor to those who ask it.
for name in "${!PG@}"; do
    [[ $name == PG_* ]] || unset "$name"
done
unset name
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # for those who source this
build=$project/build

say() { printf '==> %s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# What has to be undone however the script ends, the latest first.
exit_actions=()
at_exit() { exit_actions+=("$*"); }
run_exit_actions() {
    local status=$? i
    trap - EXIT
    for ((i = ${#exit_actions[@]} - 1; i >= 0; i--)); do
        eval "${exit_actions[i]}" || true
    done
    exit "$status"
}
trap run_exit_actions EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "installing packages needs root: run this as root, or install sudo"
    fi
}

# Runs a command silently; shows what it printed only if it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# --- Packages -------------------------------------------------------------------------------------------------------

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Installs what is missing. With nothing missing it needs neither root nor a network.
need_packages() {
    local package missing=()
    command -v dpkg-query >/dev/null ||
        die "this sets up Debian and its relatives only; README.md says how to build elsewhere"
    for package in "$@"; do
        case " ${missing[*]} " in *" $package "*) continue ;; esac
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    if [ -z "${package_lists_are_fresh:-}" ]; then
        quietly as_root apt-get update || die "apt-get update failed"
        package_lists_are_fresh=yes
    fi
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" ||
        die "apt-get install failed"
}

oldest_version=15

# The newest PostgreSQL here that extensions can be built for, else the newest here, else Debian's own; PG_VERSION
# overrides.
choose_version() {
    local program version with_headers='' without=''
    if [ -z "${PG_VERSION:-}" ]; then
        for program in /usr/lib/postgresql/*/bin/postgres; do
            version=$(basename "$(dirname "$(dirname "$program")")")
            if [ ! -x "$program" ] || [ "$version" -lt "$oldest_version" ]; then continue; fi
            if [ -e "/usr/include/postgresql/$version/server/postgres.h" ]; then
                [ "$version" -le "${with_headers:-0}" ] || with_headers=$version
            else
                [ "$version" -le "${without:-0}" ] || without=$version
            fi
        done
        PG_VERSION=${with_headers:-$without}
    fi
    if [ -z "$PG_VERSION" ]; then
        need_packages postgresql-common
        PG_VERSION=$(/usr/share/postgresql-common/supported-versions 2>/dev/null | sort -n | tail -n 1)
    fi
    [ "${PG_VERSION:-0}" -ge "$oldest_version" ] || die "pg_tree needs PostgreSQL $oldest_version or newer"
}

# The first installation of Debian's server package would make a cluster called main and start it. Nobody asked for one.
install_server() {
    local settings=/etc/postgresql-common/createcluster.conf
    is_installed "postgresql-$PG_VERSION" && return
    need_packages postgresql-common
    if [ -z "$(pg_conftool -s "$settings" show create_main_cluster 2>/dev/null || true)" ]; then
        at_exit restore_cluster_settings
        as_root cp -p "$settings" "$settings.before_pg_tree"
        echo 'create_main_cluster = false' | as_root tee -a "$settings" >/dev/null
        say "no server is set up for the machine itself; 'pg_createcluster $PG_VERSION main --start' would make one"
    fi
    need_packages "postgresql-$PG_VERSION"
    restore_cluster_settings
}

restore_cluster_settings() {
    local settings=/etc/postgresql-common/createcluster.conf
    [ ! -e "$settings.before_pg_tree" ] || as_root mv -f "$settings.before_pg_tree" "$settings"
}

# set_up [PACKAGE...]: everything that a build and a throw-away server need, and the packages named. NN in a package's
# name stands for PostgreSQL's version.
set_up() {
    choose_version
    install_server
    need_packages make g++ libboost-container-dev "postgresql-server-dev-$PG_VERSION" "${@//NN/$PG_VERSION}"
    PG_CONFIG=/usr/lib/postgresql/$PG_VERSION/bin/pg_config
    [ -x "$PG_CONFIG" ] || die "$PG_CONFIG is missing"
    export PG_CONFIG
    say "PostgreSQL $PG_VERSION, $(g++ --version | head -n 1)"
}

# The collations that tests name besides C and ICU's. A cluster knows the locales that were there when it was made.
need_locale_en_us() {
    locale -a 2>/dev/null | grep -qix 'en_US.utf-\?8' && return
    need_packages locales
    say "making the locale en_US.UTF-8"
    quietly as_root localedef -i en_US -f UTF-8 en_US.UTF-8 || die "localedef failed"
}

# --- Building -------------------------------------------------------------------------------------------------------

# build_extension FOLDER [MAKE VARIABLE]...: builds in FOLDER, which holds links to the sources and so never meets objects
# that a make in the checkout left with other settings.
build_extension() {
    local folder=$1 file log
    shift
    mkdir -p "$folder/src"
    find "$folder" -type l -delete
    while IFS= read -r file; do
        mkdir -p "$folder/$(dirname "$file")"
        ln -s "$project/$file" "$folder/$file"
    done < <(cd "$project" && find Makefile exports.txt pg_tree.control pg_tree--*.sql src \
        -type f \( -not -path 'src/*' -o -name '*.cpp' -o -name '*.h' \))
    # Objects whose source is gone must not linger either.
    find "$folder/src" -name '*.o' | while IFS= read -r file; do
        [ -e "${file%.o}.cpp" ] || rm -f "$file" "${file%.o}.d"
    done
    log=$folder/build.log
    if ! make -C "$folder" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" "$@" >"$log" 2>&1; then
        grep -E -A5 'error|Error' "$log" | head -n 40 >&2 || true
        printf 'the whole output is in %s\n' "$log" >&2
        return 1
    fi
}

# --- Throw-away servers -----------------------------------------------------------------------------------------------

# Everything temporary lies in $work, which the server's user can reach wherever the checkout lies, and nobody else can:
# the server trusts whoever reaches its socket.
make_work_folder() {
    [ -z "${work:-}" ] || return 0
    work=$(mktemp -d /tmp/pg_tree.XXXXXX)
    at_exit remove_work_folder
    at_exit stop_servers
    # PostgreSQL refuses to run as root.
    if [ "$(id -u)" = 0 ]; then
        server_user=postgres
        chown postgres: "$work"
    else
        server_user=$(id -un)
    fi
}

remove_work_folder() { rm -rf "$work"; }

as_server_user() {
    if [ "$(id -u)" = 0 ]; then
        (cd "$work" && HOME=$work exec setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --init-groups "$@")
    else
        (cd "$work" && "$@")
    fi
}

# private_installation FOLDER [MAKE VARIABLE]...: a copy of PostgreSQL's installation that holds the pg_tree built in
# FOLDER. Sets $prefix, and puts its programs first in PATH.
private_installation() {
    local folder=$1 programs libraries shared file
    shift
    make_work_folder
    programs=$("$PG_CONFIG" --bindir)
    libraries=$("$PG_CONFIG" --pkglibdir)
    shared=$("$PG_CONFIG" --sharedir)
    prefix=$work/installation
    mkdir -p "$prefix$programs" "$prefix$libraries" "$prefix$shared/extension"
    cp -a "$programs/." "$prefix$programs"
    for file in "$libraries"/* "$shared"/* "$shared"/extension/*; do
        case ${file##*/} in
            extension | pg_tree.so | pg_tree.control | pg_tree--*) ;;
            *) ln -sfn "$file" "$prefix$file" ;;
        esac
    done
    quietly make -C "$folder" install PG_CONFIG="$PG_CONFIG" DESTDIR="$prefix" "$@" || return 1
    PATH=$prefix$programs:$PATH
    export PATH
}

# start_server [LINE OF postgresql.conf]...: starts a server and points psql at it. It listens on a socket in $work only,
# does not wait for the disc, and ends with the script.
start_server() {
    server_data=$work/data
    server_log=$work/server.log
    as_server_user initdb -D "$server_data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
        >"$work/initdb.log" 2>&1 || {
        tail -n 20 "$work/initdb.log" >&2
        return 1
    }
    write_server_settings "$@"
    echo "include '$work/settings.conf'" | as_server_user tee -a "$server_data/postgresql.conf" >/dev/null
    as_server_user touch "$server_log"
    as_server_user pg_ctl -D "$server_data" -l "$server_log" -w -t 60 start >/dev/null || {
        tail -n 20 "$server_log" >&2
        return 1
    }
    unset PGHOSTADDR PGSERVICE PGPASSWORD PGOPTIONS
    export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PSQLRC=/dev/null
}

write_server_settings() {
    local line
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$work'"
        echo "fsync = off"
        echo "timezone = 'UTC'"
        for line in "$@"; do echo "$line"; done
    } >"$work/settings.conf"
}

# restart_server [LINE OF postgresql.conf]...: with these settings; starts it if there is none.
restart_server() {
    if [ -z "${server_data:-}" ]; then
        start_server "$@"
        return
    fi
    write_server_settings "$@"
    as_server_user pg_ctl -D "$server_data" -l "$server_log" -w -t 60 -m fast restart >/dev/null || {
        tail -n 20 "$server_log" >&2
        return 1
    }
}

# Every server beneath $work, those too that a test left behind.
stop_servers() {
    local file
    find "$work" -name postmaster.pid | while IFS= read -r file; do
        as_server_user pg_ctl -D "$(dirname "$file")" -m immediate stop >/dev/null 2>&1 || true
    done
}
