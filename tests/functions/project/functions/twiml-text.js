// At Twilio a string is text, even where it looks like TwiML.
exports.handler = (context, event, callback) => callback(null, '<Response/>');
