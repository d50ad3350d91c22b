#!/bin/bash
# Health check of a container: exits 0 while the service at this port is ready.   healthy.sh 8000
# In bash, which costs 4 ms of CPU: another Node every few seconds would cost 200.
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
read -r -t 4 _ status _ <&3
[ "$status" = 200 ]
