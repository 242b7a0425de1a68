# A machine on which the gateway is installed and has run.
mkdir -p /etc/twimlgate /usr/bin /var/backups /var/lib/private/twimlgate /var/lib/twimlgate
cp packaging.toml /etc/twimlgate/config.toml
cp -r templates /etc/twimlgate
cp .programs/twimlgate /usr/bin/twimlgate
cp .programs/twimlgate .programs/twimlgate-new
STATE_DIRECTORY=/var/lib/twimlgate twimlgate serve --config store.toml
cp /var/lib/twimlgate/twimlgate.db* /var/lib/private/twimlgate
cp /var/lib/twimlgate/twimlgate.db /var/backups/twimlgate-….db
