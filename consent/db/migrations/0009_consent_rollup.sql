-- How many choices there were, by what (docs/formats.md, section 13): counts that name nobody. bucket: hours or days since
-- 1970, UTC. kind: said (counted as they came), gone (that part of it whose records were deleted since).
create table consent_rollup (
    site_id integer not null,
    dim text not null,
    grain text not null,
    kind text not null,
    bucket integer not null,
    val text not null,
    also text not null,
    given bigint not null,
    partly bigint not null,
    refused bigint not null,
    changed bigint not null,
    withdrawn bigint not null,
    primary key (site_id, dim, grain, kind, bucket, val, also)
);

-- Choices that were recorded a moment ago and are still to be added up: one row a group commit, written by it. id is
-- random; said: JSON of what is alike among them, and how often.
create table consent_uncounted (
    site_id integer not null,
    id text not null,
    said text not null,
    primary key (site_id, id)
);

-- Records of before there were counts, which are counted in the background: those up to this place in the log (epoch and
-- leaf) and up to the id `last`; mark: the id up to which they are counted.
create table consent_backlog (
    site_id integer not null primary key,
    epoch integer not null,
    leaf bigint not null,
    last text not null,
    mark text not null
);

insert into consent_backlog (site_id, epoch, leaf, last, mark)
select e.site_id, e.epoch,
    (select max(r.leaf) from consent_record r where r.site_id = e.site_id and r.epoch = e.epoch),
    (select max(r.id) from consent_record r where r.site_id = e.site_id), ''
from (select site_id, max(epoch) as epoch from consent_record group by site_id) e;
