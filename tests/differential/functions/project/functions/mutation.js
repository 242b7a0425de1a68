// What one call changes in its arguments, another one does not see.
exports.handler = (context, event, callback) => {
  const seen = [context.changed ?? null, event.changed ?? null];
  Object.assign(context, { changed: 1, ACCOUNT_SID: 'x' });
  Object.assign(event, { changed: 1 });
  event.request.headers['x-changed'] = '1';
  delete event.services;
  callback(null, { seen, sid: context.getTwilioClient().accountSid });
};
