// Fails when production code imports a module that is marked as work in progress.
import { execFileSync } from 'node:child_process';

let found = '';
try {
  found = execFileSync('git', ['grep', '-nE', "from ['\"].*\\.wip['\"]", '--', '*.ts', '*.tsx'], {
    encoding: 'utf8',
  });
} catch (error) {
  if (error.status !== 1) throw error; // 1: nothing found
}
if (found) {
  console.error(found);
  process.exit(1);
}
console.log('no work-in-progress imports');
