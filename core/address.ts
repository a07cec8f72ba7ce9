/**
 * Where a parked request may be sent: to the private address that EC2 has just given for the current instance, and
 * only if it lies in a workspace subnet. Loopback, link-local (the metadata service) and everything else is refused
 * whatever the registry says, so that no registration can turn Defib into a way in.
 */
export type AddressCheck =
  'allowed' | 'no-address' | 'not-an-address' | 'forbidden-range' | 'outside-subnets';

const forbidden = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'];

/** Checks an IPv4 address against the workspace subnets' CIDR blocks. */
export function checkAddress(address: string | undefined, cidrs: readonly string[]): AddressCheck {
  if (address === undefined || address === '') return 'no-address';
  const value = ipv4(address);
  if (value === undefined) return 'not-an-address';
  if (forbidden.some((cidr) => contains(cidr, value))) return 'forbidden-range';
  return cidrs.some((cidr) => contains(cidr, value)) ? 'allowed' : 'outside-subnets';
}

/** Strictly four decimal parts: no octal, no hex, no short forms, which other parsers read in other ways. */
function ipv4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (!parts || parts.some((part) => Number(part) > 255 || String(Number(part)) !== part)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** A block that is not written as CIDR blocks are holds nothing: read leniently, "10.0.0.0/" would hold everything. */
function contains(cidr: string, address: number): boolean {
  // Stryker disable next-line ArrayDeclaration: whatever else stands for no match is no address either
  const [, base, bits] = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(cidr) ?? [];
  // Stryker disable next-line StringLiteral: any text that is no address will do
  const start = ipv4(base ?? '') ?? NaN;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(start / size) === Math.floor(address / size);
}
