# The gateway as one image. Its default command runs web server and worker:
#
#   docker build -t whatsapp-service .
#   docker run -p 8000:8000 -v whatsapp:/data --env-file .env whatsapp-service
#
# deploy/README.md has the rest: a read-only root, web and worker apart, compose, Kubernetes.

FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/whatsapp-service
# One package of the tree, http_ece, comes as source; all others are wheels. By hashes, as everywhere.
COPY run.sh gateway requirements.lock ./
RUN ./run.sh install \
    && .venv/bin/python -m pip uninstall --quiet --yes pip setuptools \
    && find .venv -name tests -type d -prune -exec rm -rf {} + \
    && .venv/bin/python -m compileall -q .venv
COPY . .
RUN .venv/bin/python -m compileall -q app simulator examples wsgi.py gunicorn.conf.py \
    && rm -rf data logs \
    && ln -s /data data && ln -s /data/logs logs && ln -s /data/env .env

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="whatsapp-service" \
      org.opencontainers.image.description="A gateway between WhatsApp's Cloud API and your software" \
      org.opencontainers.image.licenses="MIT"
# A number, not a name: Kubernetes' runAsNonRoot looks at it. Everything that is written lies in /data (and /tmp).
RUN groupadd --gid 10001 whatsapp \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin whatsapp \
    && install -d -o 10001 -g 10001 -m 700 /data
COPY --from=build /srv/whatsapp-service /srv/whatsapp-service
WORKDIR /srv/whatsapp-service
ENV HOST=0.0.0.0 \
    PORT=8000 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# `health` asks this container's own /readyz. Docker alone restarts nothing for it: `docker ps` and compose show it.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["./gateway", "health"]
ENTRYPOINT ["/srv/whatsapp-service/deploy/docker/entrypoint.sh"]
CMD ["gateway"]
