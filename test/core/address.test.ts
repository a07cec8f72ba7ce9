import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAddress } from '../../core/address.ts';

const subnets = ['10.0.1.0/24', '10.0.2.0/23'];
const anywhere = ['0.0.0.0/0'];

describe('an address in a workspace subnet', () => {
  it.each(['10.0.1.0', '10.0.1.5', '10.0.1.255', '10.0.2.0', '10.0.3.255'])('%s - allowed', (address) => {
    expect(checkAddress(address, subnets)).toBe('allowed');
  });

  it.each(['10.0.0.255', '10.0.4.0', '10.1.1.5', '8.8.8.8', '172.16.0.1'])('%s - outside', (address) => {
    expect(checkAddress(address, subnets)).toBe('outside-subnets');
  });

  it('a subnet of one address, and one whose base is not its first - as CIDR says', () => {
    expect(checkAddress('10.0.9.9', ['10.0.9.9/32'])).toBe('allowed');
    expect(checkAddress('10.0.9.8', ['10.0.9.9/32'])).toBe('outside-subnets');
    expect(checkAddress('10.0.9.1', ['10.0.9.77/24'])).toBe('allowed');
  });

  it('no subnets - nothing is allowed', () => {
    expect(checkAddress('10.0.1.5', [])).toBe('outside-subnets');
  });
});

describe('a way in that is refused even if a subnet seems to hold it', () => {
  it.each([
    ['the metadata service', '169.254.169.254'],
    ['the DNS of the VPC', '169.254.169.253'],
    ['the task metadata', '169.254.170.2'],
    ['the time service', '169.254.169.123'],
    ['the first link-local', '169.254.0.0'],
    ['the last link-local', '169.254.255.255'],
    ['loopback', '127.0.0.1'],
    ['other loopback', '127.255.255.254'],
    ['this host', '0.0.0.0'],
    ['this network', '0.255.255.255'],
    ['multicast', '224.0.0.1'],
    ['the last multicast', '239.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
  ])('%s, %s - forbidden', (_what, address) => {
    expect(checkAddress(address, anywhere)).toBe('forbidden-range');
    expect(checkAddress(address, [`${address}/32`])).toBe('forbidden-range');
  });

  it.each(['1.0.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0', '223.255.255.255'])(
    '%s, just outside of those - allowed where it is asked for',
    (address) => {
      expect(checkAddress(address, anywhere)).toBe('allowed');
    },
  );
});

describe('what is no address', () => {
  it.each([undefined, ''])('%s - EC2 gave none', (address) => {
    expect(checkAddress(address, anywhere)).toBe('no-address');
  });

  it.each([
    'localhost',
    '2130706433',
    '017700000001',
    '0x7f000001',
    '0x7f.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '127.1',
    '10.1.5',
    '10.0.1',
    '10.0.1.5.6',
    '10.0.1.05',
    '010.0.1.5',
    '10.0.1.256',
    '10.0.1.999',
    '10.0.1.-5',
    '10.0.1.+5',
    '10.0.1.5e0',
    '1e1.0.1.5',
    '10.0.1.',
    '.10.0.1',
    '10..1.5',
    '10.0.1.5:80',
    '10.0.1.5/32',
    '10.0.1.5 ',
    ' 10.0.1.5',
    '10.0.1.5\n',
    '10.0.1.5\u0000',
    '10.0.1.5#@169.254.169.254',
    'user@10.0.1.5',
    'http://10.0.1.5/',
    'http://169.254.169.254/',
    '١٠.0.1.5',
    '10。0。1。5',
    '::1',
    '::',
    '[::1]',
    '::ffff:127.0.0.1',
    '[::ffff:10.0.1.5]',
    '::ffff:a00:105',
    'fd00:ec2::254',
    '[fd00:ec2::254]',
    'fe80::1%eth0',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    'file:///etc/passwd',
    'gopher://10.0.1.5',
    '10.0.1.5.nip.io',
    '0010.0000.0001.0005',
  ])('%j - not an address', (address) => {
    expect(checkAddress(address, anywhere)).toBe('not-an-address');
  });

  it('any text - allowed only if it is four plain decimal parts', () => {
    const part = fc.oneof(
      fc.nat({ max: 300 }).map(String),
      fc.constantFrom('00', '0x1', '1e1', '', ' 1', '01'),
    );
    const likely = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(fc.oneof(likely, fc.string()), (text) => {
        if (checkAddress(text, anywhere) !== 'allowed') return;
        const parts = text.split('.').map(Number);
        expect(parts.map(String).join('.')).toBe(text);
        expect(parts).toHaveLength(4);
        expect(parts.every((value) => value >= 0 && value <= 255)).toBe(true);
      }),
    );
  });
});

describe('a subnet that is none', () => {
  it.each([
    '',
    '/',
    '10.0.1.0',
    '10.0.1.0/',
    '10.0.1.0/ ',
    '10.0.1.0/-1',
    '10.0.1.0/33',
    '10.0.1.0/24.5',
    '10.0.1.0/x',
    '10.0.1.0/0x8',
    '10.0.1.0/1e1',
    '10.0.1.0/8/24',
    '10.0.1.0/024',
    'x10.0.1.0/24',
    '10.0.1.0/24x',
    ' 10.0.1.0/24',
    '10.0.1.300/24',
    '10.0.1/24',
    '/24',
    '::/0',
  ])('%j - holds nothing', (cidr) => {
    expect(checkAddress('10.0.1.5', [cidr])).toBe('outside-subnets');
  });

  it('beside one that is - the good one holds', () => {
    expect(checkAddress('10.0.1.5', ['10.0.1.0/', '10.0.1.0/24'])).toBe('allowed');
  });
});
