#!/bin/sh
# Becomes a worker; see program.rs.
here=$(dirname "$0")
if [ -p "$here/valve" ]; then
    cat "$here/valve" >&4 3<&- 4>&- &
    echo $! >"$here/pid"
    exec 4>"$here/valve"
fi
exec "TUREEN" worker "$@"
