-- Portable SQL: it runs unchanged on SQLite, PostgreSQL and Citus. Every key begins with site_id, ids and times are made
-- by the program (UUIDv7 and random text, milliseconds), JSON is text that the database never looks into.

create table site (
    site_id integer not null primary key,
    key text not null unique,
    created bigint not null
);

-- Who may read a site's log: SHA-256 (hex) of a bearer token.
create table log_token (
    site_id integer not null references site (site_id),
    hash text not null,
    created bigint not null,
    primary key (site_id, hash)
);

-- Immutable once published. body: canonical JSON of the resolved policy.
create table policy_version (
    site_id integer not null references site (site_id),
    version integer not null,
    hash text not null,
    scope text not null,
    body text not null,
    published bigint not null,
    primary key (site_id, version)
);

-- One visitor's chain of choices at one site. write_hash: SHA-256 (hex) of the key that later choices must show.
create table receipt (
    site_id integer not null,
    id text not null,
    write_hash text not null,
    created bigint not null,
    primary key (site_id, id)
);

-- What was said, append-only. key: the client's idempotency key; digest: SHA-256 (hex) of what it said.
create table consent_record (
    site_id integer not null,
    id text not null,
    key text not null,
    digest text not null,
    receipt text not null,
    time bigint not null,
    action text not null,
    control text not null,
    layer integer not null,
    language text not null,
    notice text not null,
    version integer not null,
    purposes text not null,
    services text not null,
    regime text not null,
    region text not null,
    gpc boolean not null,
    client_time bigint not null,
    widget text not null,
    primary key (site_id, id),
    foreign key (site_id, receipt) references receipt (site_id, id),
    foreign key (site_id, version) references policy_version (site_id, version)
);

create unique index consent_record_key on consent_record (site_id, key);

-- One row, written to see whether a write is possible.
create table probe (
    site_id integer not null primary key,
    time bigint not null
);
