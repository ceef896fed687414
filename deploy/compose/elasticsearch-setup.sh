#!/bin/bash
# Runs once in compose.yaml: the password of Kibana's own user, the index template and the ingest pipeline.
set -euo pipefail
elastic="elastic:$(cat /run/secrets/elastic_password)"

# put METHOD PATH BODY
put() {
    curl --fail --silent --show-error --user "$elastic" --header 'Content-Type: application/json' \
        --request "$1" "http://elasticsearch:9200/$2" --data "$3" >/dev/null
}

put POST _security/user/kibana_system/_password "{\"password\":\"$(cat /run/secrets/kibana_password)\"}"
put PUT _ingest/pipeline/whatsapp-service @/setup/elasticsearch/ingest-pipeline.json
put PUT _index_template/whatsapp-service @/setup/elasticsearch/index-template.json
echo "Elasticsearch is ready for logs."
