exports.handler = (context, event, callback) => {
  const names = ['API_SECRET', 'AUTH_PASSCODE', 'NUMBERS', 'JSON_VALUE', 'SHARP', 'SPACED'];
  callback(null, {
    context: names.map((name) => context[name]),
    process: names.map((name) => process.env[name]),
    parsed: JSON.parse(context.JSON_VALUE),
    functions: Object.keys(context).filter((key) => typeof context[key] === 'function'),
    missing: [typeof context.NOT_SET, String(context.SERVICE_SID), String(context.ENVIRONMENT_SID)],
    url: `https://${context.DOMAIN_NAME}${context.PATH}`.replace(context.DOMAIN_NAME, 'host'),
  });
};
