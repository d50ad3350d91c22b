#!/usr/bin/env bash
# Starts RabbitMQ with these users; changed passwords apply after a restart, and users that are missing are added.
#   RABBITMQ_USER, RABBITMQ_PASSWORD           for people: the administrator, with full access to the vhost /
#   RABBITMQ_API_PASSWORD, _WORKER_, _NOTIFICATION_, _MONITORING_
#                                              for the services: users with their names and the permissions they need
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
  printf '{"name": "%s", "password_hash": "%s", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": [%s]}' \
    "$1" "$(hash_of "$2")" "$3"
}

refuse() {
  echo "$1" >&2
  exit 78 # invalid configuration
}

[[ $RABBITMQ_USER =~ ^[A-Za-z0-9._-]+$ ]] ||
  refuse "RABBITMQ_USER may have letters, digits, . _ and -, but is: $RABBITMQ_USER"
# Passwords are part of URLs (RABBITMQ_URL), so characters with a meaning in URLs are not allowed. They are never printed.
for name in RABBITMQ_{,API_,WORKER_,NOTIFICATION_,MONITORING_}PASSWORD; do
  [[ ${!name} =~ ^[A-Za-z0-9._~-]+$ ]] || refuse "$name may have letters, digits, . _ ~ and - only"
  [[ $NODE_ENV != production || ! ${!name} =~ ^(guest|api|worker|notification|monitoring|password|changeme|secret)$ ]] ||
    refuse "$name is a sample password, which NODE_ENV=production does not allow. Set another one"
done
[[ ! $RABBITMQ_USER =~ ^(api|worker|notification|monitoring)$ ]] ||
  refuse "RABBITMQ_USER is $RABBITMQ_USER, which is the user of a service: choose another name"

umask 077
# permissions.json is a list, whose brackets are the first and the last line.
cat > /tmp/definitions.json << EOF
{
  "vhosts": [{"name": "/"}],
  "users": [
    $(user "$RABBITMQ_USER" "$RABBITMQ_PASSWORD" '"administrator"'),
    $(user api "$RABBITMQ_API_PASSWORD" ''),
    $(user worker "$RABBITMQ_WORKER_PASSWORD" ''),
    $(user notification "$RABBITMQ_NOTIFICATION_PASSWORD" ''),
    $(user monitoring "$RABBITMQ_MONITORING_PASSWORD" '"monitoring"')
  ],
  "permissions": [
    {"user": "$RABBITMQ_USER", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
    $(sed '1d; $d' /etc/rabbitmq/permissions.json)
  ]
}
EOF
# The shovel moves messages in the management UI ("Move messages").
export RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/enabled_plugins
echo '[rabbitmq_management, rabbitmq_prometheus, rabbitmq_shovel, rabbitmq_shovel_management].' \
  > "$RABBITMQ_ENABLED_PLUGINS_FILE"
exec docker-entrypoint.sh rabbitmq-server
