# One image for all processes: the command selects the service, e.g. `python -m services.payments`. It runs as any user,
# writes only to /tmp, and contains no compiler, pip or development dependencies.
#
#   docker build --tag incasso:0.1.0 .
#
# For another base image with Python 3.11 or later: --build-arg BASE_IMAGE=…. Behind a proxy, or with your own package index:
# --secret id=pip.conf,src=pip.conf --secret id=ca.crt,src=bundle.pem. Neither remains in the image.
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all:
WORKDIR /src
COPY deploy/image/build.lock deploy/image/runtime.lock deploy/image/
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.crt \
    if [ -s /run/secrets/ca.crt ]; then export PIP_CERT=/run/secrets/ca.crt; fi; \
    python -m venv /opt/build && python -m venv --without-pip /opt/incasso \
    && /opt/build/bin/pip install --quiet --require-hashes --requirement deploy/image/build.lock \
    && /opt/build/bin/pip --python /opt/incasso/bin/python install --quiet --no-compile --require-hashes \
       --requirement deploy/image/runtime.lock
COPY stack/contracts.py stack/
COPY protos protos
RUN mkdir libs && /opt/build/bin/python -m stack.contracts stubs && find libs/pb -name '*.pyi' -delete
# The SBOM of what is installed, validated against CycloneDX's own schema.
COPY pyproject.toml README.md ./
RUN /opt/build/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
    --validate --output-file /opt/incasso/sbom.cdx.json /opt/incasso/bin/python
COPY libs libs
COPY services services
COPY cli cli
COPY stack/certificates.py stack/keys.py stack/outgoing.py stack/private.py stack/roles.py stack/shop.py stack/journey_report.py \
     stack/installation.py ours/stack/
COPY deploy/image/compile.py deploy/image/unused.py deploy/image/
RUN mv libs services cli ours/stack /opt/incasso/ \
    && /opt/incasso/bin/python deploy/image/unused.py /opt/incasso \
    && PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/opt/incasso:/opt/incasso/libs/pb \
       /opt/incasso/bin/python deploy/image/compile.py /opt/incasso \
    && find /opt/incasso -name tests -path '*/site-packages/*' -type d -prune -exec rm -r {} + \
    && chmod -R a+rX /opt/incasso

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="incasso" \
      org.opencontainers.image.description="Payment orchestration for online shops" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/incasso /opt/incasso
ENV PATH=/opt/incasso/bin:$PATH PYTHONPATH=/opt/incasso:/opt/incasso/libs/pb PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /opt/incasso
USER 10001:10001
ENTRYPOINT []
CMD ["python", "-m", "cli", "--help"]
