exports.handler = (context, event, callback) => {
  const { AccessToken } = Twilio.jwt;
  const token = new AccessToken(context.ACCOUNT_SID, context.API_KEY, context.API_SECRET, {
    identity: event.identity ?? 'ann', ttl: 600,
  });
  token.addGrant(new AccessToken.VideoGrant({ room: 'one' }));
  token.addGrant(new AccessToken.VoiceGrant({ outgoingApplicationSid: 'AP1', incomingAllow: true }));
  const [head, claims, signature] = token.toJwt().split('.');
  const read = (text) => JSON.parse(Buffer.from(text, 'base64url'));
  const { iat, exp, jti, ...rest } = read(claims);
  const response = new Twilio.Response();
  response.appendHeader('Content-Type', 'application/json');
  response.setBody({ head: read(head), rest, lives: exp - iat, jti: jti.slice(0, 34), signature: signature.length });
  callback(null, response);
};
