#!/usr/bin/env bash
# Tries the contract: lints the descriptions, makes clients of them with what people use, checks their types strictly,
# and lets each make eleven calls to a gateway that runs here, with the simulator for Meta. An imported collection
# sends, too, and a bounded run of a fuzzer must find nothing beside its list of exceptions.
#
#   contract/run.sh            all of it; the tools (a Java runtime and Node are needed) are installed on the first run
#   contract/run.sh NAME …     only these parts: lint python typescript postman fuzz
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
ROOT=$(cd .. && pwd)
PARTS=${*:-lint python typescript postman fuzz}
PORT=${PORT:-18790}
export GATEWAY="http://127.0.0.1:$PORT" KEY="api-key-of-the-contract-0123456789"
export PATH="$PWD/.tools/bin:$PWD/node_modules/.bin:$PATH"

part() { [[ " $PARTS " == *" $1 "* ]]; }
say() { printf '\n== %s\n' "$*"; }

install() {
    [ -x .tools/bin/openapi-python-client ] || { python3 -m venv .tools && .tools/bin/pip install --quiet -r requirements.txt; }
    [ -x node_modules/.bin/tsc ] || npm ci --no-audit --no-fund --silent
}

start() {
    DATA=$(mktemp -d)
    trap 'kill "$SERVER" 2>/dev/null; wait "$SERVER" 2>/dev/null; rm -rf "$DATA"' EXIT
    (
        cd "$ROOT"
        exec env HOST=127.0.0.1 PORT="$PORT" API_KEY="$KEY" SECRET_KEY="secret-key-of-the-contract-0123456789abcdef" \
            DATABASE_URL="sqlite:///$DATA/whatsapp.db" LOG_DIR="$DATA/logs" ECHO_BOT=false SIMULATOR=true \
            WHATSAPP_VERIFY_TOKEN=verify-token-of-the-contract \
            ENCRYPTION_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
            SIMULATOR_APP_SECRET=app-secret-of-the-contract-0123456789 \
            .venv/bin/gunicorn -c gunicorn.conf.py wsgi:app
    ) >"$DATA/gateway.log" 2>&1 &
    SERVER=$!
    for _ in $(seq 150); do
        curl -fs "$GATEWAY/readyz" >/dev/null 2>&1 && return
        kill -0 "$SERVER" 2>/dev/null || break
        sleep 0.2
    done
    cat "$DATA/gateway.log"
    exit 1
}

describe() {
    mkdir -p made
    for file in openapi openapi.graph openapi.service openapi.assistant openapi.webhooks; do
        curl -fs "$GATEWAY/$file.json" >"made/$file.json"
    done
}

lint() {
    say "Spectral and Redocly"
    spectral lint made/openapi*.json --ruleset rules/spectral.yaml --fail-severity=warn
    redocly lint made/openapi*.json --config rules/redocly.yaml
}

python_clients() {
    rm -rf made/python made/openapi-generator-py made/openapi-python-client
    say "openapi-python-client"
    openapi-python-client generate --path made/openapi.json --output-path made/openapi-python-client \
        --meta none --overwrite >/dev/null
    mkdir -p made/python && mv made/openapi-python-client made/python/whatsapp_service_client
    touch made/python/whatsapp_service_client/py.typed
    say "openapi-generator, Python"
    openapi-generator-cli generate -i made/openapi.json -g python -o made/openapi-generator-py \
        --additional-properties=packageName=gateway_client >made/openapi-generator-py.log
    mv made/openapi-generator-py/gateway_client made/python/gateway_client
    say "datamodel-code-generator"
    datamodel-codegen --input made/openapi.json --input-file-type openapi --output made/python/gateway_models.py \
        --output-model-type pydantic_v2.BaseModel --target-python-version 3.11 --use-annotated 2>/dev/null
    say "mypy --strict"
    mypy --config-file rules/mypy.ini clients/*.py made/python/whatsapp_service_client made/python/gateway_models.py
    for client in clients/*.py; do
        PYTHONPATH=made/python .tools/bin/python "$client"
    done
}

typescript_clients() {
    rm -rf made/openapi-typescript made/hey-api made/orval made/openapi-generator-ts
    say "openapi-typescript, hey-api with zod, orval, openapi-generator"
    openapi-typescript made/openapi.json -o made/openapi-typescript/schema.d.ts >/dev/null
    openapi-ts -f rules/hey-api.mjs >/dev/null
    orval --config rules/orval.cjs >/dev/null
    openapi-generator-cli generate -i made/openapi.json -g typescript-fetch -o made/openapi-generator-ts \
        >made/openapi-generator-ts.log
    say "tsc --strict"
    tsc --project tsconfig.json
    for client in openapi_typescript hey_api orval openapi_generator; do
        tsx "clients/$client.ts"
    done
}

postman() {
    say "The collection that Postman makes of the description: its sends"
    openapi2postmanv2 -s made/openapi.json -o made/collection.json -O folderStrategy=Tags,parametersResolution=Example \
        >/dev/null
    newman run made/collection.json --folder Sending --env-var "baseUrl=$GATEWAY" --env-var "bearerToken=$KEY" \
        --delay-request 300 --reporters cli --reporter-cli-no-banner --color off >made/newman.txt || true
    .tools/bin/python rules/newman.py made/newman.txt
}

fuzz() {
    say "schemathesis, bounded"
    "$ROOT/.venv/bin/schemathesis" --config-file rules/schemathesis.toml run "$GATEWAY/openapi.json" \
        --header "Authorization: Bearer $KEY" --max-examples "${FUZZ:-20}" --max-time "${FUZZ_SECONDS:-200}" --workers 2 --seed 1
}

install
start
describe
! part lint || lint
! part python || python_clients
! part typescript || typescript_clients
! part postman || postman
! part fuzz || fuzz
say "All of it holds."
