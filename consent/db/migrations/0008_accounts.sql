-- Who may look. Accounts belong to the whole install: their site_id is 0. Digests are SHA-256 (hex) of random texts that
-- are shown once and kept nowhere.

-- state: invited | active | closed. password: argon2id as the PHC string, '' for none. totp: the sealed secret, '' for
-- none; totp_step: the last step whose code was taken. networks: CIDRs parted by spaces, '' for everywhere.
-- issuer and subject: who vouches for the account at an OpenID provider.
create table account (
    site_id integer not null,
    id text not null,
    email text not null,
    state text not null,
    password text not null,
    totp text not null,
    totp_step bigint not null,
    networks text not null,
    issuer text not null,
    subject text not null,
    created bigint not null,
    seen bigint not null,
    primary key (site_id, id)
);

create unique index account_email on account (site_id, email);

-- What an account is at a site; at site 0: at every site. role: owner | analyst | auditor.
create table account_role (
    site_id integer not null,
    account text not null,
    role text not null,
    created bigint not null,
    primary key (site_id, account)
);

create index account_role_account on account_role (account);

-- Who is signed in. id: digest of the random id in the cookie. confirmed: when the password was last given.
create table account_session (
    site_id integer not null,
    id text not null,
    account text not null,
    began bigint not null,
    last bigint not null,
    confirmed bigint not null,
    network text not null,
    agent text not null,
    primary key (site_id, id)
);

create index account_session_account on account_session (site_id, account);

-- Links that let somebody in once. kind: first | invite | password. account: '' for first.
create table account_link (
    site_id integer not null,
    digest text not null,
    kind text not null,
    account text not null,
    created bigint not null,
    expires bigint not null,
    primary key (site_id, digest)
);

-- Tokens of programs. scope: the site, 0 for every site. needs: what it may read, parted by spaces.
create table account_token (
    site_id integer not null,
    digest text not null,
    id text not null,
    account text not null,
    name text not null,
    scope integer not null,
    needs text not null,
    created bigint not null,
    expires bigint not null,
    used bigint not null,
    primary key (site_id, digest)
);

create index account_token_account on account_token (site_id, account);

-- Codes that stand for a lost authenticator, each once.
create table account_recovery (
    site_id integer not null,
    account text not null,
    digest text not null,
    primary key (site_id, account, digest)
);

-- Who looked at personal data, and what was done with accounts. site_id 0: at no single site. id begins with the time.
create table access_log (
    site_id integer not null,
    id text not null,
    time bigint not null,
    account text not null,
    name text not null,
    how text not null,
    what text not null,
    about text not null,
    network text not null,
    path text not null,
    primary key (site_id, id)
);

create index access_log_time on access_log (site_id, time);
