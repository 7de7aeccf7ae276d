-- How far access logs were imported, so that the same lines count once: first line and all bytes so far as HMAC-SHA256
-- under a key of this data folder; bytes and lines of the unpacked log, time of the last import in ms.
create table imported (
    site_id integer not null,
    head text not null,
    digest text not null,
    bytes bigint not null,
    lines bigint not null,
    time bigint not null,
    primary key (site_id, head)
);
