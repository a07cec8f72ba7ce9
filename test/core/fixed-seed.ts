/** For mutation runs only: everywhere else each run looks at other cases. */
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 2929 });
