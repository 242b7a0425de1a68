exports.handler = (context, event, callback) => {
  const twiml = new Twilio.twiml.VoiceResponse();
  if (event.Digits === '1') {
    const dial = twiml.dial({ timeout: 20, action: `${context.PATH}?done=true&from=menu` });
    dial.number({ url: '/whisper?a=1&b=2', statusCallbackEvent: ['initiated', 'answered'] }, '+15550100');
  } else {
    const gather = twiml.gather({ numDigits: 1, input: 'dtmf speech', hints: 'sales, "support"' });
    gather.say({ voice: 'Polly.Amy', language: 'en-GB' }, 'Sales <1> & support “2” – é 😀');
    twiml.redirect({ method: 'POST' }, './voice-menu');
  }
  callback(null, twiml);
};
