-- The newest cosignature of each witness under a checkpoint of a log; only the install's own, site_id 0, is witnessed.
create table witness_cosignature (
    site_id integer not null,
    epoch integer not null,
    witness text not null,
    size bigint not null,
    line text not null,
    time bigint not null,
    primary key (site_id, epoch, witness)
);
