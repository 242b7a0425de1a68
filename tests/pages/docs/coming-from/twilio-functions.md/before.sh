# As much of the package as the functions use, so that the page needs no network.
mkdir -p shop/node_modules/twilio
cp "$REPOSITORY/tests/examples/twilio.js" shop/node_modules/twilio/index.js
