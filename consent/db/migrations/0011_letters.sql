-- Who wants which letters: off until somebody asks for them. Accounts belong to the whole install: their site_id is 0.
-- kind: daily | outage. sent: the day (since 1970, UTC) that the last daily one was about.
create table letter_wish (
    site_id integer not null,
    account text not null,
    kind text not null,
    since bigint not null,
    sent bigint not null,
    primary key (site_id, account, kind)
);
