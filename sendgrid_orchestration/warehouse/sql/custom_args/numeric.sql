case
    when length({value}) <= 100 and {value} ~ '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{{1,2}})?\s*$' then ({value})::numeric
end
