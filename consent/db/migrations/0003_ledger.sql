-- The ledger (docs/formats.md, section 10): one log a site and epoch; the install's own has site_id 0.
create table ledger (
    site_id integer not null,
    epoch integer not null,
    origin text not null,
    opened bigint not null,
    primary key (site_id, epoch)
);

-- Which key signs from which size on.
create table ledger_key (
    site_id integer not null,
    epoch integer not null,
    number integer not null,
    vkey text not null,
    since bigint not null,
    primary key (site_id, epoch, number)
);

-- The parts of each entry; type, time (seconds) and content make its bytes.
create table ledger_leaf (
    site_id integer not null,
    epoch integer not null,
    leaf bigint not null,
    type text not null,
    time bigint not null,
    content text not null,
    primary key (site_id, epoch, leaf)
);

-- Full tiles only: 256 hashes, base64; root is what the tile above holds of them. Partial ones are composed when they are
-- asked for.
create table ledger_tile (
    site_id integer not null,
    epoch integer not null,
    level integer not null,
    tile bigint not null,
    hashes text not null,
    root text not null,
    primary key (site_id, epoch, level, tile)
);

-- Compare-and-swap on size and root keeps two processes from forking a log.
create table ledger_head (
    site_id integer not null,
    epoch integer not null,
    size bigint not null,
    root text not null,
    checkpoint text not null,
    primary key (site_id, epoch)
);

-- Where a record's commitment stands, and its salt (base64); empty and -1 for records older than the ledger.
alter table consent_record add column salt text not null default '';

alter table consent_record add column epoch integer not null default 0;

alter table consent_record add column leaf bigint not null default -1;
