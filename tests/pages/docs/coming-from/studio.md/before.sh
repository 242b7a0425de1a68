cp "$REPOSITORY/examples/clinic/flows/clinic.json" support.json
