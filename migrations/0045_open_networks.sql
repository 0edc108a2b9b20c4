-- Which non-public networks each process lets be registered or dials into: web and worker must agree, and say so where they do not.
alter table processes add column open_networks text;
