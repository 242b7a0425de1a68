exports.handler = (context, event, callback) => {
  const { PATH, DOMAIN_NAME, GREETING, EMPTY, ACCOUNT_SID, SERVICE_SID } = context;
  const hasDomain = DOMAIN_NAME.length > 0;
  callback(null, { PATH, hasDomain, GREETING, EMPTY, ACCOUNT_SID, SERVICE_SID: String(SERVICE_SID) });
};
