-- What was asked for or came due, and what came of it (11 CCR 7101): nothing in it names or finds anyone. leaves: the
-- erased leaves, as `<epoch>:<ranges>` separated by spaces. state: untold (the log has yet to tell, after a restore),
-- deleted (the rows are gone), listed (also noted outside the database), complete (no byte is left). certificate: the file that certifies it, where one does.
create table rights_request (
    site_id integer not null,
    id text not null,
    time bigint not null,
    kind text not null,
    rule text not null,
    state text not null,
    records integer not null,
    leaves text not null,
    done bigint not null,
    certificate text not null,
    primary key (site_id, id)
);

-- What is unfinished is looked for every few seconds, and is next to nothing.
create index rights_request_open on rights_request (site_id, time) where state <> 'complete';
