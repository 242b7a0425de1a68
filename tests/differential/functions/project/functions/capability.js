exports.handler = (context, event, callback) => {
  const { ClientCapability } = Twilio.jwt;
  const capability = new ClientCapability({ accountSid: context.ACCOUNT_SID, authToken: context.AUTH_TOKEN });
  capability.addScope(new ClientCapability.IncomingClientScope('ann'));
  const { scope, iss } = JSON.parse(Buffer.from(capability.toJwt().split('.')[1], 'base64url'));
  callback(null, { scope, iss });
};
