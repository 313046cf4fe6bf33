#!/bin/bash
# Exit 0 while the worker's answers can be relied on (`GET /readyz`), else 1 with the reasons.
# The image runs it every 15 s: bash opens the connection itself, where Python would have to start.
set -u
listen=${INDEXER_HTTP_LISTEN-127.0.0.1:8321}
[[ -n $listen ]] || exec python -m indexer status --check # no port: over the Unix socket

host=${listen%:*} port=${listen##*:}
host=${host#[} host=${host%]}
case $host in
    '' | 0.0.0.0) host=127.0.0.1 ;;
    ::) host=::1 ;;
esac

exec 3<> "/dev/tcp/$host/$port" || exit 1
printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
read -r -t 4 _ status _ <&3 || exit 1
while read -r -t 4 header <&3 && [[ $header != $'\r' ]]; do :; done
cat <&3
[[ $status == 200 ]]
