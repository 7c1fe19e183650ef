#!/bin/bash
# Where no image can be pulled: make one from Debian's packages that serves as postgres:15-bookworm
# does for docker/compose.yaml (POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB), and load it as that.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/serve" <<'H'
#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" >/tmp/password
  initdb --username "$POSTGRES_USER" --pwfile /tmp/password --auth scram-sha-256
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  PGPASSWORD=$POSTGRES_PASSWORD
  export PGPASSWORD
  pg_ctl --wait --options "-c listen_addresses='' -k /tmp" start
  createdb --host /tmp --username "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl --wait stop
fi
exec postgres -c listen_addresses='*' -k /tmp
H
cat >"$work/hook.sh" <<'H'
#!/bin/sh
set -e
cp "$WORK/serve" "$1/usr/local/bin/serve"
chmod 755 "$1/usr/local/bin/serve"
chroot "$1" install -d -o postgres -g postgres /var/lib/postgresql/data
rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/usr/share/doc/* "$1"/usr/share/man/*
H
chmod +x "$work/hook.sh"
export WORK=$work
mmdebstrap --quiet --variant=minbase --include=postgresql-15 --customize-hook="$work/hook.sh" \
  bookworm "$work/image.tar"
docker import --change 'USER postgres' \
  --change 'ENV PGDATA=/var/lib/postgresql/data' --change 'ENV LANG=C.UTF-8' \
  --change 'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin' \
  --change 'VOLUME /var/lib/postgresql/data' --change 'CMD ["serve"]' \
  "$work/image.tar" postgres:15-bookworm
