#!/bin/sh
# Makes what compose.yaml needs and nobody else may know: secrets/, each password fresh and used nowhere else.
#
#   deploy/compose/secrets.sh        makes what is missing; what is there stays as it is
#
# Only its owner may enter the folder. The files inside are readable, because every container has a user of its own,
# and a file that is mounted into one is not reached through the folder.
set -eu
cd "$(dirname "$0")/../.."
umask 022
mkdir -p secrets
chmod 700 secrets

random() {
    od -An -tx1 -N32 /dev/urandom | tr -d ' \n'
}

# Writes standard input to a file that is not there yet.
make() {
    if [ ! -e "secrets/$1" ]; then
        cat >"secrets/$1.new"
        chmod 444 "secrets/$1.new"
        mv "secrets/$1.new" "secrets/$1"
        echo "made secrets/$1"
    fi
}

for name in api_key secret_key encryption_key verify_token postgres_password rabbitmq_password redis_password \
    grafana_password elastic_password kibana_password; do
    random | make "$name"
done

# Prometheus' key: made by the gateway once it runs, as deploy/README.md says.
printf 'none yet\n' | make metrics_key
chmod 644 secrets/metrics_key

printf 'postgresql://whatsapp:%s@postgres/whatsapp\n' "$(cat secrets/postgres_password)" | make database_url
printf 'amqp://whatsapp:%s@rabbitmq:5672//\n' "$(cat secrets/rabbitmq_password)" | make broker_url
printf 'redis://:%s@redis:6379/0\n' "$(cat secrets/redis_password)" | make redis_url
printf 'default_user = whatsapp\ndefault_pass = %s\n' "$(cat secrets/rabbitmq_password)" | make rabbitmq.conf
printf 'requirepass %s\nmaxmemory 200mb\nmaxmemory-policy noeviction\nsave ""\n' "$(cat secrets/redis_password)" |
    make redis.conf

# A simulated Meta at first, so that everything can be tried; the values of your own app take the place of these.
app_secret=$(random)
make meta.env <<END
# To talk to Meta itself: delete the simulator's lines, write the values of your own app, and \`docker compose up -d\`.
# docs/connect.md says where Meta shows each of them.
WHATSAPP_ACCESS_TOKEN=EAAsimulated
WHATSAPP_APP_SECRET=$app_secret
WHATSAPP_APP_ID=600100200300400
WHATSAPP_PHONE_NUMBER_ID=700100200300400
WHATSAPP_BUSINESS_ACCOUNT_ID=900100200300400
# The address that people and Meta reach, as https://wa.example.org
PUBLIC_URL=http://127.0.0.1:8080

# The simulator's.
GRAPH_API_URL=http://simulator:8001
SIMULATOR_APP_SECRET=$app_secret
END
chmod 600 secrets/meta.env
