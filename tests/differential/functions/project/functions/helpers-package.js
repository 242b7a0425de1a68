// The functions that `@twilio-labs/runtime-helpers` gives to a project.
const { auth, response, utils } = require('@twilio-labs/runtime-helpers');

exports.handler = (context, event, callback) => {
  let allowed;
  try { allowed = auth.isAuthenticated(context, event); } catch (error) { allowed = error.name; }
  if (event.fail) return utils.failure(callback, 'on purpose');
  if (event.plain) return utils.success(callback, { allowed, salutation: utils.requireFunction('helpers/shared').salutation });
  const reply = response.createCORSResponse('https://example.com', ['GET', 'POST']);
  reply.setBody({ allowed, total: utils.requireAsset('data/list.json').length });
  return callback(null, reply);
};
