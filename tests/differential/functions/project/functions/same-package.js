const twilio = require('twilio');
const axios = require('axios');

exports.handler = (context, event, callback) => {
  const url = 'https://example.com/x';
  const valid = twilio.validateRequest(context.AUTH_TOKEN, 'wrong', url, {});
  callback(null, {
    same: twilio.twiml.VoiceResponse === Twilio.twiml.VoiceResponse,
    valid,
    expected: twilio.getExpectedTwilioSignature(context.AUTH_TOKEN, url, { a: '1' }),
    axios: typeof axios.get,
    keys: ['jwt', 'twiml', 'Response', 'webhook', 'RequestClient'].map((it) => typeof Twilio[it]),
    globals: [typeof twilioClient.messages.create, typeof Response, typeof Functions],
  });
};
