#!/bin/sh
# Writes .sqlx anew: what the query macros learn from the database, so that a build needs none.
# DATABASE_URL names a Postgres that may be changed: it gets the migrations. Needs psql.
set -eu
cd "$(dirname "$0")"
: "${DATABASE_URL:?name a Postgres, as postgres://user@host/database}"
export DATABASE_URL

for migration in migrations/*.sql; do
    psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --single-transaction --file "$migration" "$DATABASE_URL"
done

rm -rf .sqlx
mkdir .sqlx
touch src/main.rs # the macros run only when the compiler does
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$PWD/.sqlx" cargo check --locked
