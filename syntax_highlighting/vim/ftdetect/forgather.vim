" A YAML file is a Forgather template when it has a line that YAML does not: a line statement,
" a block header, a ## comment or an inline template. Looks at the first lines only.
function! s:Detect() abort
  for l:line in getline(1, 200)
    if l:line =~# '^\s*\%(--\|<<\|>>\|==\|=>\)\s\+\h'
          \ || l:line =~# '^\s*\[\h\w*!*\]\s*$'
          \ || l:line =~# '^#\s*-\{3,}\s*[[:alnum:]_./]\+\s*-\{3,}\s*$'
      setlocal filetype=forgather
      return
    endif
  endfor
endfunction

augroup forgather_detect
  autocmd!
  autocmd BufNewFile,BufRead *.yaml call s:Detect()
  autocmd BufNewFile */templatelib/*.yaml,*/templates/*.yaml setlocal filetype=forgather
augroup END
