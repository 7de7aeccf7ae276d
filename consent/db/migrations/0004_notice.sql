-- What was shown, by the SHA-256 (hex) of its body, which is canonical JSON. Kept for ever: it names nobody.
create table notice (
    site_id integer not null,
    hash text not null,
    kind text not null,
    language text not null,
    body text not null,
    first bigint not null,
    primary key (site_id, hash)
);

-- Which published versions showed it, and since when.
create table notice_version (
    site_id integer not null,
    hash text not null,
    version integer not null,
    first bigint not null,
    primary key (site_id, hash, version)
);

-- The code that showed it, as built; site_id is 0. The hash is over the three texts, one after the other.
create table notice_code (
    site_id integer not null,
    hash text not null,
    bootstrap text not null,
    banner text not null,
    preferences text not null,
    first bigint not null,
    primary key (site_id, hash)
);

-- How often a notice was shown on a day (since 1970, UTC): a count, and nothing of any one visitor.
create table shown_day (
    site_id integer not null,
    day integer not null,
    notice text not null,
    layer integer not null,
    regime text not null,
    language text not null,
    device text not null,
    shown bigint not null,
    primary key (site_id, day, notice, layer, regime, language, device)
);
