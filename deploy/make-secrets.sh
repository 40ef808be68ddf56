#!/bin/sh
# Makes deploy/secrets/ for docker-compose.yml: a password for the database, and a token for the first administrator.
# With the word scale, also what compose.scale.yml needs, but for the key of the checksum database: that file says how it is
# made. What is there already stays as it is. The files are readable for the users inside the containers; the directory is not
# readable for anybody else on this machine.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

if [ ! -e secrets/database_password ]; then
  random > secrets/database_password
fi
if [ ! -e secrets/database_url ]; then
  printf 'postgresql://gokura:%s@database:5432/gokura' "$(cat secrets/database_password)" > secrets/database_url
fi
if [ ! -e secrets/admin_token ]; then
  random > secrets/admin_token
fi
if [ "${1:-}" = scale ]; then
  for name in secret_key s3_access_key_id s3_secret_access_key; do
    if [ ! -e "secrets/$name" ]; then
      random > "secrets/$name"
    fi
    chmod 644 "secrets/$name"
  done
fi
chmod 644 secrets/database_password secrets/database_url secrets/admin_token
echo "deploy/secrets/ is ready; the token of the administrator root is in deploy/secrets/admin_token"
