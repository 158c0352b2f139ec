// Fields that go on with a request or a response.

// The rules of `fields.rs`, made of its lists.
let removed;
let ofThePlatform;
let orders;
let fromResponse = [];

export function strip(request, platform, ordering, harmless, response) {
  removed = one_of(request);
  ofThePlatform = one_of(platform);
  orders = one_of(ordering, `(?!${alternatives(harmless)})`);
  fromResponse = response;
}

function one_of(names, but = '') {
  return new RegExp(`^${but}${alternatives(names)}`);
}

// With a star at its end a name is the beginning of names.
function alternatives(names) {
  return `(?:${names.map((name) => (name.endsWith('*') ? name.slice(0, -1) : name + '$')).join('|')})`;
}

// What goes on with a request, edited by lines.
export function outgoing(exchange, lines, from, to, asGateway) {
  const headers = new Headers(exchange.headers);
  const edited = new Edited(lines, from, to);
  const left = [];
  let cookies;
  headers.forEach((value, name) => {
    if (!goes_on(name, edited, asGateway)) left.push(name);
    else if (name === 'cookie' && value.includes(', ')) cookies = value.replace(LINE_OF_COOKIES, '; ');
  });
  for (let i = 0; i < left.length; i++) headers.delete(left[i]);
  // Several lines of it arrive as one (see `one_cookie_line` of `http.rs`).
  if (cookies !== undefined) headers.set('cookie', cookies);
  apply(headers, lines, from, to);
  return headers;
}

const LINE_OF_COOKIES = /, (?=[\w!#$%&'*+.^`|~-]+=)/g;

function goes_on(name, edited, asGateway) {
  const kind = kind_of(name);
  if (kind === REMOVED) return false;
  if (kind === ODD_NAME) {
    const plain = plainly(name);
    return !(asGateway && orders.test(plain)) && !edited.has(plain);
  }
  // The edit of a name itself is still to come.
  return !(asGateway && kind === ORDER) && !(edited.odd && edited.has(name));
}

const [PLAIN, ORDER, ODD_NAME, REMOVED] = [0, 1, 2, 3];

// Kinds by name: most requests have the same names.
const known = new Map();
const MOST_KNOWN = 500;
const LONGEST_KNOWN = 64;

function kind_of(name) {
  let kind = known.get(name);
  if (kind !== undefined) return kind;
  const plain = plainly(name);
  if (removed.test(plain)) kind = REMOVED;
  else if (plain !== name) kind = ofThePlatform.test(plain) ? REMOVED : ODD_NAME;
  else kind = orders.test(name) ? ORDER : PLAIN;
  if (known.size === MOST_KNOWN) known.clear();
  if (name.length <= LONGEST_KNOWN) known.set(name, kind);
  return kind;
}

const ODD = /[^a-z0-9-]/;
const ALL_ODD = /[^a-z0-9-]/g;

// A lower-case name as CGI and its kin read it.
function plainly(name) {
  return ODD.test(name) ? name.replace(ALL_ODD, '-') : name;
}

// The names that edits set or remove.
class Edited {
  constructor(lines, from, to) {
    this.lines = lines;
    this.from = from;
    this.to = to;
    this.odd = false;
    for (let i = from; i < to && !this.odd; i += 2) this.odd = ODD_EDIT.test(lines[i]);
  }

  has(plain) {
    if (this.names === undefined) {
      this.names = new Set();
      for (let i = this.from; i < this.to; i += 2) {
        const line = this.lines[i];
        if (line[0] !== '+') this.names.add(plainly(line.slice(1)));
      }
    }
    return this.names.has(plain);
  }
}

// Behind its mark.
const ODD_EDIT = /^.[a-z0-9-]*[^a-z0-9-]/;

// What goes on with a response, edited by lines.
export function incoming(headers, requestId, lines, from) {
  const connection = headers.get('connection');
  if (connection !== null) for (const name of connection.split(',')) drop(headers, name.trim());
  for (let i = 0; i < fromResponse.length; i++) headers.delete(fromResponse[i]);
  headers.set(REQUEST_ID, requestId);
  apply(headers, lines, from, lines.length - 1);
}

export const REQUEST_ID = 'x-request-id';

const SET = 0x3d; // =
const REMOVE = 0x2d; // -

// Edits are two lines each: mark and name, value.
export function apply(headers, lines, from, to) {
  for (let i = from; i < to; i += 2) {
    const line = lines[i];
    const mark = line.charCodeAt(0);
    const name = line.slice(1);
    try {
      if (mark === SET) headers.set(name, lines[i + 1]);
      else if (mark === REMOVE) headers.delete(name);
      else headers.append(name, lines[i + 1]);
    } catch {
      // A value that the platform does not take is left out, and what it was to replace is too.
      if (mark === SET) drop(headers, name);
    }
  }
}

// A name may be none: `Connection: a b`.
function drop(headers, name) {
  try {
    headers.delete(name);
  } catch {
    // So there is no such field.
  }
}
