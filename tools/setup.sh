#!/bin/sh
# Installs what is missing, and says in one sentence what it may not install.
#   setup.sh venv     the Python environment in .venv, every package pinned by constraints.txt
#   setup.sh system   Debian packages: the broker, a C compiler for the sniffer's tests
#   setup.sh cameras  Debian packages: the RTSP server that stands for a camera in the tests
set -eu
cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-python3}"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else return 126
    fi
}

install_debian() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "setup: '$1' is missing and this is not a Debian system: install it with your package manager, then run make again." >&2
        exit 1
    fi
    echo "setup: installing $* (apt)"
    # A service started by the package would hold port 1883 for nothing: the project starts its own.
    if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }; then
        echo "setup: could not install: $*. Ask someone who may: sudo apt-get install $*" >&2
        exit 1
    fi
}

case "${1:-}" in
venv)
    if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        found=$("$PYTHON" -V 2>/dev/null) || found="not usable"
        echo "setup: Python 3.11 or newer is needed; '$PYTHON' is $found. Say which: make PYTHON=/path/to/python3 ..." >&2
        exit 1
    fi
    if ! [ -w . ]; then
        echo "setup: $(id -un) may not write into $(pwd): clone the repository into a folder of your own." >&2
        exit 1
    fi
    "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || install_debian python3-venv
    [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
    echo "setup: installing Python packages into .venv (a few minutes the first time)"
    .venv/bin/pip install -q --disable-pip-version-check -c constraints.txt -e '.[tools,dev]'
    ;;
system)
    PATH="$PATH:/usr/sbin:/sbin"
    command -v mosquitto >/dev/null 2>&1 || install_debian mosquitto
    command -v gcc >/dev/null 2>&1 || install_debian gcc libc6-dev
    ;;
cameras)
    /usr/bin/python3 -c "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('Gst', '1.0'); from gi.repository import Gst; Gst.init(None); assert all(map(Gst.ElementFactory.find, ('h264parse', 'rtph264pay')))" 2>/dev/null ||
        install_debian python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    ;;
*)
    echo "usage: setup.sh venv|system|cameras" >&2
    exit 2
    ;;
esac
