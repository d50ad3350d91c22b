#!/usr/bin/env bash
# Starts RabbitMQ with two users from these variables; changed passwords apply after a restart.
#   RABBITMQ_USER, RABBITMQ_PASSWORD                        the pipeline: full access to the vhost /
#   RABBITMQ_MONITORING_USER, RABBITMQ_MONITORING_PASSWORD  the monitoring service: read-only
# rabbitmq.conf loads the file before the first port opens. It contains hashes, in memory only (/tmp is a tmpfs).
set -euo pipefail

# RabbitMQ's password hash: base64(salt + SHA-256(salt + password)), with a salt of four bytes.
hash_of() {
  local salt digest
  salt=$(head -c 4 /dev/urandom | od -An -vtx1 | tr -d ' \n')
  digest=$({ bytes "$salt"; printf %s "$1"; } | sha256sum | cut -d ' ' -f 1)
  bytes "$salt$digest" | base64 -w 0
}
bytes() { printf '%b' "$(printf %s "$1" | sed 's/../\\x&/g')"; }

user() {
  printf '{"name": "%s", "password_hash": "%s", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ["%s"]}' \
    "$1" "$(hash_of "$2")" "$3"
}
permission() {
  printf '{"user": "%s", "vhost": "/", "configure": "%s", "write": "%s", "read": "%s"}' "$1" "$2" "$2" "$2"
}

refuse() {
  echo "$1" >&2
  exit 78 # invalid configuration
}

for name in RABBITMQ_USER RABBITMQ_MONITORING_USER; do
  [[ ${!name} =~ ^[A-Za-z0-9._-]+$ ]] || refuse "$name may have letters, digits, . _ and -, but is: ${!name}"
done
# They are part of URLs (RABBITMQ_URL), so characters with a meaning in URLs are not allowed. They are never printed.
for name in RABBITMQ_PASSWORD RABBITMQ_MONITORING_PASSWORD; do
  [[ ${!name} =~ ^[A-Za-z0-9._~-]+$ ]] || refuse "$name may have letters, digits, . _ ~ and - only"
done
[ "$RABBITMQ_USER" != "$RABBITMQ_MONITORING_USER" ] ||
  refuse 'RABBITMQ_MONITORING_USER is RABBITMQ_USER: give monitoring a user of its own'

umask 077
cat > /tmp/definitions.json << EOF
{
  "vhosts": [{"name": "/"}],
  "users": [
    $(user "$RABBITMQ_USER" "$RABBITMQ_PASSWORD" administrator),
    $(user "$RABBITMQ_MONITORING_USER" "$RABBITMQ_MONITORING_PASSWORD" monitoring)
  ],
  "permissions": [
    $(permission "$RABBITMQ_USER" '.*'),
    $(permission "$RABBITMQ_MONITORING_USER" '^$')
  ]
}
EOF
# The shovel moves messages in the management UI ("Move messages").
export RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/enabled_plugins
echo '[rabbitmq_management, rabbitmq_prometheus, rabbitmq_shovel, rabbitmq_shovel_management].' \
  > "$RABBITMQ_ENABLED_PLUGINS_FILE"
exec docker-entrypoint.sh rabbitmq-server
