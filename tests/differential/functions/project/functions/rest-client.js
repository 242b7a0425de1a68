// The package's own client, with a network that answers by itself.
exports.handler = async (context, event, callback) => {
  const asked = [];
  const httpClient = {
    async request({ method, uri, data, username }) {
      asked.push([method, uri, data?.Body ?? null, username]);
      if (uri.includes('Services')) return { statusCode: 404, body: { code: 20404, message: 'not found', status: 404 } };
      return { statusCode: 201, body: { sid: 'SM1', status: 'queued', body: data.Body } };
    },
  };
  const client = context.getTwilioClient({ httpClient });
  const message = await client.messages.create({ to: event.From ?? '+15550100', from: '+15550111', body: 'é' });
  let failure;
  try {
    await client.verify.v2.services('VA1').verifications.create({ to: '+1', channel: 'sms' });
  } catch (error) {
    const { status, code, message: text, name } = error;
    failure = { status, code, text, name, isRest: error instanceof Twilio.RestException };
  }
  callback(null, { asked, sid: message.sid, body: message.body, failure });
};
