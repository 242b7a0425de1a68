exports.handler = (context, event, callback) => {
  const client = context.getTwilioClient();
  callback(null, { sid: client.accountSid, same: client.constructor === twilioClient.constructor });
};
