exports.handler = (context, event, callback) =>
  callback(null, { greeting: process.env.GREETING, home: process.env.TWILIO_AUTH_TOKEN ?? 'none' });
