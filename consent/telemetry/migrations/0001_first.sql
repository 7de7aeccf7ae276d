-- The visitors' log, in a file of its own. Portable SQL as in consent/db/migrations. Times are milliseconds since 1970.
-- What may be lost when the power goes: nothing here is evidence.

-- A browser whose visitor agreed. customer: the site's own id of who is signed in; customer_fields: JSON. leaving: its
-- rows are being deleted.
create table visitor (
    site_id integer not null,
    id text not null,
    first bigint not null,
    last bigint not null,
    visits integer not null,
    views bigint not null,
    customer text not null,
    customer_fields text not null,
    leaving boolean not null,
    primary key (site_id, id)
);

-- Who comes often; and by each number of visits, who was away for longest.
create index visitor_often on visitor (site_id, visits, last);

create index visitor_customer on visitor (site_id, customer) where customer <> '';

create index visitor_leaving on visitor (site_id, id) where leaving;

-- One visit. id: ordered by the time it began. opens_day: the visitor's first that UTC day. entry, exit: host and path.
-- source: the referrer's host; campaign: JSON of utm_*. engaged: seconds. What its facts mean: telemetry/hit.py.
create table session (
    site_id integer not null,
    id text not null,
    visitor text not null,
    visit integer not null,
    began bigint not null,
    last bigint not null,
    views integer not null,
    events integer not null,
    engaged integer not null,
    opens_day boolean not null,
    entry text not null,
    exit text not null,
    referrer text not null,
    source text not null,
    campaign text not null,
    browser text not null,
    browser_version text not null,
    system text not null,
    system_version text not null,
    device text not null,
    brand text not null,
    model text not null,
    bot text not null,
    language text not null,
    languages text not null,
    screen text not null,
    country text not null,
    region text not null,
    asn bigint not null,
    network text not null,
    isp_domain text not null,
    app text not null,
    app_version text not null,
    policy_version integer not null,
    primary key (site_id, id)
);

create index session_visitor on session (site_id, visitor, id);

-- One event. id: the sender's, so that a repetition counts once. target: the host a click leads to, or that was
-- refused; service: the key of the service it belongs to. load_time: ms; engaged: seconds; scrolled: quarters. whole:
-- the address is in full, until it is cut.
create table event (
    site_id integer not null,
    session text not null,
    id text not null,
    time bigint not null,
    client_time bigint not null,
    event text not null,
    method text not null,
    host text not null,
    path text not null,
    query text not null,
    status integer not null,
    referrer text not null,
    address text not null,
    whole boolean not null,
    cookies text not null,
    load_time integer not null,
    engaged integer not null,
    scrolled integer not null,
    target text not null,
    service text not null,
    props text not null,
    policy_version integer not null,
    allowed_by text not null,
    primary key (site_id, session, id)
);

create index event_whole on event (site_id, time) where whole;

-- What is added up. kind: full (as rows came), gone (of these, what was deleted since: full less gone is the rows), or
-- count (anonymous; there are no rows). bucket: hours or days since 1970, UTC, by grain.
create table rollup (
    site_id integer not null,
    dim text not null,
    grain text not null,
    kind text not null,
    bucket integer not null,
    val text not null,
    also text not null,
    views bigint not null,
    events bigint not null,
    sessions bigint not null,
    visitors bigint not null,
    newcomers bigint not null,
    bounces bigint not null,
    engaged bigint not null,
    loaded bigint not null,
    load_time bigint not null,
    scrolled bigint not null,
    primary key (site_id, dim, grain, kind, bucket, val, also)
);

-- What chunks of many events added up to, until it is folded into the rollups: it counts as if it were there. id:
-- random; cells: JSON (telemetry/rollup.py).
create table uncounted (
    site_id integer not null,
    id text not null,
    cells text not null,
    primary key (site_id, id)
);

-- Events that were not taken, by why.
create table dropped (
    site_id integer not null,
    hour integer not null,
    reason text not null,
    n bigint not null,
    primary key (site_id, hour, reason)
);

-- Visitors who withdrew, so that an old cookie is known again: SHA-256 (hex) of a random id, for as long as the cookie
-- could live.
create table forgotten (
    site_id integer not null,
    digest text not null,
    until bigint not null,
    primary key (site_id, digest)
);

-- How often rows were deleted of which bytes may be left in the file: no row when none are.
create table unscrubbed (
    site_id integer not null primary key,
    n bigint not null
);

-- One row, written when the file is scrubbed.
create table probe (
    site_id integer not null primary key,
    time bigint not null
);
