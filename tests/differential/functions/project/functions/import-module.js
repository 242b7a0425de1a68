exports.handler = async (context, event, callback) => {
  const { twice } = await import('../lib/module.mjs');
  const os = await import('node:os');
  callback(null, { twice: twice(21), os: typeof os.tmpdir });
};
