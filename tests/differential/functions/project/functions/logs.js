exports.handler = (context, event, callback) => {
  console.log('%s is %d', 'one', 1, { deep: { deeper: { deepest: 1 } } });
  console.table([{ a: 1 }]);
  console.group('group');
  console.count();
  console.assert(false, 'an assertion');
  console.groupEnd();
  console.time('t');
  console.timeEnd('t');
  console.error(new Error('logged'));
  process.stdout.write('written\n');
  callback(null, 'logged');
};
